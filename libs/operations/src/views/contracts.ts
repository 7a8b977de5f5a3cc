/** A contract that an agent handles, or that is known to the process that is asked. */
export interface ContractRow {
  readonly type: string;
  readonly version: number;
  /** Fields by whose values messages are found; none of a contract that is not known here. */
  readonly keys: readonly string[];
  /** Absent of a contract that is not known here. */
  readonly sensitive?: boolean;
  /** Consumers of which a live agent has a handler for it, or carries out tasks of it. */
  readonly handledBy: readonly string[];
}
