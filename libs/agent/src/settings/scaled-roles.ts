/** A role that the leader of the coordinators starts and stops workers of. */
export interface ScaledRole {
  readonly role: string;
  /** The least and the most workers. */
  readonly min: number;
  readonly max: number;
}

const MOST_WORKERS = 1_000;
const ENTRY = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}):(\d{1,4})-(\d{1,4})$/;

/** Reads `worker:1-5,specialist:1-3`, spaces allowed; empty is none. With a problem for each entry that is wrong. */
export function readScaledRoles(text: string): { readonly roles: ScaledRole[]; readonly problems: string[] } {
  const roles: ScaledRole[] = [];
  const problems: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (text.trim() === '') break;
    const [, role = '', least = '', most = ''] = ENTRY.exec(entry) ?? [];
    const [min, max] = [Number(least), Number(most)];
    if (role === '') problems.push(`SCALING: "${entry}" is not role:min-max, as in "worker:1-5"`);
    else if (max < 1 || max > MOST_WORKERS || min > max)
      problems.push(`SCALING: "${entry}" must have a max from 1 to ${MOST_WORKERS}, and a min that is not greater`);
    else if (roles.some((other) => other.role === role)) problems.push(`SCALING: "${role}" is given twice`);
    else roles.push({ role, min, max });
  }
  return { roles, problems };
}
