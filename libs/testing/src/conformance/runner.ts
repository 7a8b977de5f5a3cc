/** What the suite uses of a test runner: Jest's functions and Vitest's are such. Of another runner, put the functions in this form. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>, timeoutMs?: number): unknown;
  beforeAll(body: () => void): unknown;
  afterEach(body: () => Promise<void>): unknown;
  afterAll(body: () => Promise<void>): unknown;
  readonly expect: Expect;
}

interface Expect {
  (actual: unknown): Expectation & { readonly rejects: AsyncExpectation };
  arrayContaining(elements: unknown[]): unknown;
}

interface Expectation {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toBeUndefined(): void;
  toBeInstanceOf(expected: abstract new (...given: never[]) => unknown): void;
  toBeGreaterThan(expected: number): void;
  toBeGreaterThanOrEqual(expected: number): void;
  toBeLessThan(expected: number): void;
}

interface AsyncExpectation {
  toBe(expected: unknown): Promise<void>;
  toBeInstanceOf(expected: abstract new (...given: never[]) => unknown): Promise<void>;
}
