/** What is given for a variable. */
export interface Given {
  readonly value: string;
  /** As errors name it: the variable, or `agentmq.yaml:4: registry.agent_timeout`. */
  readonly origin: string;
  /** From a file of its own: not to be shown. */
  readonly secret?: boolean;
}

export type Variables = Readonly<Record<string, string | undefined>>;
