import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { BookOpen, CircleUserRound, KeyRound, LogOut, Moon, ScrollText, Sun, SunMoon } from "lucide-react";
import { sentenceOf } from "../api/problems";
import { sessionQuery, useCan, useSignOut } from "../api/session";
import { chooseTheme, THEMES, type Theme, useTheme } from "./theme";
import { say } from "./toasts";
import { Menu, MenuItem, MenuLine } from "./ui/Menu";

const THEME_NAMES: Readonly<Record<Theme, string>> = {
  system: "As the system",
  light: "Light",
  dark: "Dark",
};

const THEME_ICONS = { system: SunMoon, light: Sun, dark: Moon };

export function AccountMenu() {
  const { data: session } = useQuery(sessionQuery);
  const can = useCan();
  const theme = useTheme();
  const navigate = useNavigate();
  const signOut = useSignOut();
  return (
    <Menu label={`Account (${session?.role ?? ""})`} icon={<CircleUserRound aria-hidden />}>
      {THEMES.map((choice) => {
        const Icon = THEME_ICONS[choice];
        return (
          <MenuItem
            key={choice}
            chosen={choice === theme}
            icon={<Icon aria-hidden />}
            onClick={() => chooseTheme(choice)}
          >
            {THEME_NAMES[choice]}
          </MenuItem>
        );
      })}
      <MenuLine />
      {can("admin") && (
        <>
          <MenuItem icon={<KeyRound aria-hidden />} onClick={() => void navigate({ to: "/access" })}>
            Who has access
          </MenuItem>
          <MenuItem icon={<ScrollText aria-hidden />} onClick={() => void navigate({ to: "/audit" })}>
            What was done
          </MenuItem>
        </>
      )}
      <MenuItem icon={<BookOpen aria-hidden />} onClick={() => window.open("/api/docs", "_blank", "noopener")}>
        The API
      </MenuItem>
      <MenuLine />
      <MenuItem
        icon={<LogOut aria-hidden />}
        onClick={() => signOut.mutate(undefined, { onError: (error) => say(sentenceOf(error), { tone: "failed" }) })}
      >
        Sign out
      </MenuItem>
    </Menu>
  );
}
