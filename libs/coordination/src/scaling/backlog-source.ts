/** Tells how much there is to do for a role; also the Nest token. */
export abstract class BacklogSource {
  /** Messages and tasks that wait for agents of the role, or are with them. Rejects with a retryable error when it can't be known. */
  abstract of(role: string): Promise<number>;
}
