import createClient, { type Middleware } from "openapi-fetch";
import { ApiError, problemOf, UNREACHABLE } from "./problems";
import type { paths } from "./schema";

/** Turns every answer that is an error, and no answer at all, into an `ApiError`. */
const problems: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await apiErrorOf(response);
  },
  onError({ error }) {
    return isAbort(error) ? error : unreachable(error);
  },
};

/** The API by its paths; the session's cookie goes along by itself. Calls reject with `ApiError` alone. */
export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });
api.use(problems);

/** Reads the problem document of a response that was made by `fetch` alone. */
export async function apiErrorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  return problemOf(response.status, body, response.headers.get("Retry-After"));
}

/** What a failed `fetch` means: no gateway was reached. */
export function unreachable(cause: unknown): ApiError {
  return new ApiError({ status: 0, code: UNREACHABLE, detail: String(cause) });
}

/** Whether a request failed because nobody wants its answer any more. */
export function isAbort(error: unknown): error is DOMException {
  return error instanceof DOMException && error.name === "AbortError";
}

interface Answer<Data> {
  readonly data?: Data;
  readonly response: Response;
}

/** The body of an answer: `const page = await bodyOf(api.GET("/api/photos", …))`. */
export async function bodyOf<Data>(call: Promise<Answer<Data>>): Promise<NonNullable<Data>> {
  const { data, response } = await call;
  if (data === undefined || data === null) throw problemOf(response.status, undefined, null);
  return data;
}
