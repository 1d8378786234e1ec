import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./api/queryClient";
import { App } from "./app/App";
import "./app/theme.css";
import "./app/base.css";
import { applyTheme } from "./app/theme";

applyTheme();

// Where the gateway was renewed while this page was open, the part that was asked for is called otherwise there by now.
// While it is away nothing is loaded anew: the page stays, and with it what is being uploaded.
async function renew() {
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) window.location.reload();
}
window.addEventListener("vite:preloadError", () => void renew());

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
