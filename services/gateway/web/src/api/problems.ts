/** One field of a request that the gateway refused; `limit` is the bound that was passed. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  readonly limit: number | null;
}

/** Stands in `code` where no gateway answered at all. */
export const UNREACHABLE = "unreachable";

const WORTH_ANOTHER_TRY: ReadonlySet<number> = new Set([0, 502, 503, 504]);

interface Parts {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fields?: readonly FieldProblem[];
  readonly retryAfterSeconds?: number | null;
}

/** An answer that is an error (RFC 9457). `code` is the word to branch on, `message` a sentence for a person. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly FieldProblem[];
  readonly retryAfterSeconds: number | null;

  constructor({ status, code, detail, fields = [], retryAfterSeconds = null }: Parts) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the same request may succeed later: nothing answered, or what did is not ready. */
  get retryable(): boolean {
    return WORTH_ANOTHER_TRY.has(this.status);
  }

  /** What is wrong with one field, as `name` or as `query.name`; to be shown beside it. */
  at(field: string): string | undefined {
    return this.fields.find((problem) => problem.field === field || problem.field.endsWith(`.${field}`))?.message;
  }
}

/** Reads a problem document; what is none (a proxy's page, say) becomes one by its status alone. */
export function problemOf(status: number, body: unknown, retryAfter: string | null): ApiError {
  const document = isObject(body) ? body : {};
  const { code, detail, errors } = document;
  return new ApiError({
    status,
    code: typeof code === "string" ? code : `http_${status}`,
    detail: typeof detail === "string" ? detail : "The server did not answer as it should.",
    fields: Array.isArray(errors) ? errors.filter(isObject).map(fieldOf) : [],
    retryAfterSeconds: secondsOf(retryAfter),
  });
}

/** What went wrong, as a sentence for a person. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something went wrong in this page.";
  if (error.code === UNREACHABLE) return "The server cannot be reached.";
  return error.message;
}

function fieldOf(given: Record<string, unknown>): FieldProblem {
  return {
    field: String(given.field ?? ""),
    message: String(given.message ?? ""),
    limit: typeof given.limit === "number" ? given.limit : null,
  };
}

function secondsOf(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
