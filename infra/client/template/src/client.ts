/** A client of the API, typed by its OpenAPI document; its access token is renewed by itself. */

import createFetchClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

export interface Options {
  /** Where the API is, without /api/v1, such as https://api.example.com. */
  baseUrl: string;
  /** Sends requests; by default the platform's own fetch. Outside of browsers it must keep cookies. */
  fetch?: (request: Request) => Promise<Response>;
  /** Called once when the session has ended, so that the user can log in again. */
  onLoggedOut?: () => void;
}

/** An answer that is an error: `problem` says what is wrong, `problem.errors` where. */
export class ApiError extends Error {
  readonly problem: Problem;
  readonly response: Response;

  constructor(problem: Problem, response: Response) {
    super(problem.detail);
    this.name = "ApiError";
    this.problem = problem;
    this.response = response;
  }
}

interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws ApiError where it is an error. */
export function unwrap<T>(result: Result<T>): T {
  if (!result.response.ok) throw new ApiError(asProblem(result.error, result.response), result.response);
  return result.data as T;
}

function asProblem(error: unknown, response: Response): Problem {
  if (typeof error === "object" && error !== null && "detail" in error) return error as Problem;
  // Not the API's own words: of a proxy in front of it, say.
  const title = response.statusText || "Error";
  const { pathname } = new URL(response.url || "http://unknown/");
  return { type: "about:blank", title, status: response.status, detail: title, instance: pathname };
}

interface CursorPage<T> {
  data: T[];
  next_cursor: string | null;
}

type Pages<T> = CursorPage<T> | { data: T[]; page: number };

/**
 * Every item of a list, page by page: `load` asks for the page of a cursor, which is empty at first.
 *
 *     for await (const user of items((cursor) => api.GET("/api/v1/users", { params: { query: { cursor } } })))
 */
export async function* items<T>(load: (cursor: string) => Promise<Result<Pages<T>>>): AsyncGenerator<T> {
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Pages<T> = unwrap(await load(cursor));
    yield* page.data;
    if (!("next_cursor" in page)) throw new Error("The list wasn't asked for by its cursor.");
    cursor = page.next_cursor;
  }
}

/** The API, and the session of one user of it. */
export class Session {
  /** Every route: `await session.api.GET("/api/v1/user/{username}", { params: { path: { username } } })`. */
  readonly api: Client<paths>;
  readonly #plain: Client<paths>;
  readonly #send: (request: Request) => Promise<Response>;
  readonly #onLoggedOut: () => void;
  #token: string | null = null;
  #renewal: Promise<boolean> | null = null;

  constructor(options: Options) {
    this.#send = options.fetch ?? ((request) => fetch(request));
    this.#onLoggedOut = options.onLoggedOut ?? (() => undefined);
    // The refresh token is in a cookie that no script can read; the access token is only in memory.
    const shared = { baseUrl: options.baseUrl, credentials: "include" as const };
    this.#plain = createFetchClient<paths>({ ...shared, fetch: this.#send });
    this.api = createFetchClient<paths>({ ...shared, fetch: (request) => this.#authorized(request) });
  }

  get isLoggedIn(): boolean {
    return this.#token !== null;
  }

  /** Throws ApiError: 401 for a wrong name or password, 429 after too many of them. */
  async login(username: string, password: string): Promise<void> {
    const answer = await this.#plain.POST("/api/v1/login", {
      body: { username, password },
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    this.#token = unwrap(answer).access_token;
  }

  /** Goes on with the session of an earlier visit; false when there is none. */
  async restore(): Promise<boolean> {
    return this.#renew();
  }

  async logout(): Promise<void> {
    const headers = this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
    this.#token = null;
    const answer = await this.#plain.POST("/api/v1/logout", { headers });
    if (answer.response.status !== 401) unwrap(answer); // 401: it had ended already
  }

  async #authorized(request: Request): Promise<Response> {
    const token = this.#token;
    const response = await this.#attempt(request, token);
    if (response.status !== 401 || token === null) return response;
    const renewed = this.#token !== token || (await this.#renew());
    return renewed ? this.#attempt(request, this.#token) : response;
  }

  #attempt(request: Request, token: string | null): Promise<Response> {
    const copy = request.clone(); // a request can be sent once, and may have to be repeated
    if (token !== null) copy.headers.set("Authorization", `Bearer ${token}`);
    return this.#send(copy);
  }

  /** Calls that find the token expired at once share one renewal. */
  #renew(): Promise<boolean> {
    this.#renewal ??= this.#refresh().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #refresh(): Promise<boolean> {
    const answer = await this.#plain.POST("/api/v1/refresh");
    if (answer.response.status === 401) {
      if (this.#token !== null) this.#onLoggedOut();
      this.#token = null;
      return false;
    }
    this.#token = unwrap(answer).access_token;
    return true;
  }
}
