/**
 * What a caller may do: a viewer reads, a submitter also submits, cancels and retries tasks, an operator does everything. Each
 * has what those before it have.
 */
export const ROLES = ['viewer', 'submitter', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** Whether one of `roles` has what `needed` stands for. */
export const suffices = (roles: readonly Role[], needed: Role): boolean =>
  roles.some((role) => ROLES.indexOf(role) >= ROLES.indexOf(needed));
