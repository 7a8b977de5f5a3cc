import { InvalidNamespaceError } from './errors.js';

export const DEFAULT_NAMESPACE = 'agentmq';

/**
 * The Postgres schema of a namespace: two namespaces share a database without meeting. `-` and `.` become `_`, so that
 * the name needs no quoting in an operator's hands. Throws {@link InvalidNamespaceError}.
 */
export function schemaOf(namespace: string): string {
  const schema = namespace.replaceAll(/[-.]/g, '_');
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith('pg_')) throw new InvalidNamespaceError(namespace);
  return schema;
}
