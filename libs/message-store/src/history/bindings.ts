/** The values of a statement that is put together from parts: each is given its place. */
export class Bindings {
  readonly values: unknown[] = [];

  /** The placeholder of a value, e.g. `$3`. */
  readonly add = (value: unknown): string => `$${this.values.push(value)}`;
}
