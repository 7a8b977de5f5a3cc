import { UnreadableError } from 'agentmq/settings';

/** A role that the leader of the coordinators starts and stops workers of. */
export interface ScaledRole {
  readonly role: string;
  /** The least and the most workers. */
  readonly min: number;
  readonly max: number;
}

const MOST_WORKERS = 1_000;
const ENTRY = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}):(\d{1,4})-(\d{1,4})$/;

/** Reads `worker:1-5,specialist:1-3`, spaces allowed; empty is none. Throws `UnreadableError` with a problem for each entry that is wrong. */
export function readScaledRoles(text: string): ScaledRole[] {
  const roles: ScaledRole[] = [];
  const problems: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (text.trim() === '') break;
    const [, role = '', least = '', most = ''] = ENTRY.exec(entry) ?? [];
    const [min, max] = [Number(least), Number(most)];
    if (role === '') problems.push(`"${entry}" is not role:min-max, as in "worker:1-5"`);
    else if (max < 1 || max > MOST_WORKERS || min > max)
      problems.push(`"${entry}" must have a max from 1 to ${MOST_WORKERS}, and a min that is not greater`);
    else if (roles.some((other) => other.role === role)) problems.push(`"${role}" is given twice`);
    else roles.push({ role, min, max });
  }
  if (problems.length > 0) throw new UnreadableError(problems);
  return roles;
}

/** The text that {@link readScaledRoles} reads as these roles. */
export const writeScaledRoles = (roles: readonly ScaledRole[]): string =>
  roles.map(({ role, min, max }) => `${role}:${min}-${max}`).join(',');
