/** What every error of AgentMQ carries: a stable code for programs, and whether trying again can help. */
export abstract class AgentMQError extends Error {
  abstract readonly code: string;
  /** True when the same call may succeed later with nothing changed by the caller. */
  readonly retryable: boolean = false;

  override get name(): string {
    return this.constructor.name;
  }
}

/** What anything thrown says. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One broken rule of a contract. `field` is a path such as `columns.0.name`. */
export interface Violation {
  readonly field: string;
  readonly rule: string;
  readonly message: string;
}

/** A payload does not keep its contract. Names the contract, and for each violation the field and the rule. */
export class ContractViolationError extends AgentMQError {
  readonly code = 'CONTRACT_VIOLATION';

  constructor(
    readonly contract: string,
    readonly violations: readonly Violation[],
    options?: ErrorOptions,
  ) {
    super(`${contract}: ${violations.map((v) => `${v.field}: ${v.message} (${v.rule})`).join('; ')}`, options);
  }
}

/** A message's own fields (not its payload) are unusable: body, type, version, priority, ttl or a header. */
export class InvalidMessageError extends AgentMQError {
  readonly code = 'INVALID_MESSAGE';

  constructor(
    readonly field: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${field}: ${problem}`, options);
  }
}

/** The receiver knows no contract, or has no handler, for a message's type and version. */
export class UnknownTypeError extends AgentMQError {
  readonly code = 'UNKNOWN_TYPE';

  constructor(
    readonly type: string,
    readonly version: number,
    readonly consumer: string,
  ) {
    super(`type: ${consumer} has no handler for ${type} version ${version}`);
  }
}

/** A property of a contract's class can't work over JSON with any value. */
export class ContractDeclarationError extends AgentMQError {
  readonly code = 'CONTRACT_DECLARATION';

  constructor(
    readonly className: string,
    readonly property: string,
    readonly problem: string,
  ) {
    super(`${className}${property && `.${property}`} ${problem}`);
  }
}

/** A class was used as a message without `@Contract`. */
export class NotAContractError extends AgentMQError {
  readonly code = 'NOT_A_CONTRACT';

  constructor(readonly className: string) {
    super(`${className} is not declared with @Contract`);
  }
}

/** Two contracts claim the same type and version. */
export class DuplicateContractError extends AgentMQError {
  readonly code = 'DUPLICATE_CONTRACT';

  constructor(readonly contract: string) {
    super(`${contract} is declared by two classes`);
  }
}
