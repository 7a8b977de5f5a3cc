import { contractKey, contractOf, type PayloadClass } from '../contract/contract.js';
import { DuplicateContractError, NotAContractError } from '../errors.js';
import { versionsTaken } from '../contract/versions.js';
import { describePayload } from './describe.js';
import { type Incompatibility, incompatibilities } from './incompatibilities.js';
import type { ContractSchema, ContractsFile } from './schema.js';

/**
 * The contracts as they are kept in a file: of each its payload as JSON Schema. Throws `NotAContractError`, or
 * `DuplicateContractError`.
 */
export function describeContracts(payloads: Iterable<PayloadClass>): ContractsFile {
  const contracts: Record<string, ContractSchema> = {};
  for (const contract of [...new Set(payloads)].map((payload) => contractOf(payload))) {
    const key = contractKey(contract);
    if (Object.hasOwn(contracts, key)) throw new DuplicateContractError(key);
    const older = versionsTaken(contract).filter((version) => version !== contract.version);
    contracts[key] = {
      ...(older.length > 0 ? { 'x-takes': older } : {}),
      ...(contract.sensitive ? { 'x-sensitive': true } : {}),
      ...describePayload(contract.payload),
    };
  }
  const sorted = Object.entries(contracts).sort(([a], [b]) => (a < b ? -1 : 1));
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', contracts: Object.fromEntries(sorted) };
}

/** The contracts among a module's exports: `contractsAmong(Object.values(await import('./contracts.js')))`. */
export const contractsAmong = (values: Iterable<unknown>): PayloadClass[] =>
  [...new Set(values)].filter((value): value is PayloadClass => {
    try {
      return contractOf(value as PayloadClass).payload === value;
    } catch (error) {
      if (error instanceof NotAContractError) return false;
      throw error;
    }
  });

/** A change of a contract that some instance can't take, and what to do instead. */
export interface BreakingChange extends Incompatibility {
  /** `quote_request@1`. */
  readonly contract: string;
  /**
   * The receivers that refuse: `old`, what a new sender sends; `new`, what an old sender sends, and what is stored, on
   * its way, or replayed.
   */
  readonly receivers: 'old' | 'new';
}

/** What has changed from `before` to `now` that breaks receivers, old or new. None: both versions can run side by side. */
export function breakingChanges(before: ContractsFile, now: ContractsFile): BreakingChange[] {
  return Object.entries(before.contracts).flatMap(([contract, old]) => {
    const changed = Object.hasOwn(now.contracts, contract) ? now.contracts[contract] : undefined;
    const refused = (receivers: 'old' | 'new', found: readonly Incompatibility[]): BreakingChange[] =>
      found.map((refusal) => ({ contract, receivers, ...refusal }));
    return [
      ...(changed ? refused('old', incompatibilities(changed, old)) : []),
      ...(changed ? refused('new', incompatibilities(old, changed)) : []),
      ...(changed ? resealed(contract, old, changed) : []),
      ...refused('new', notTaken(contract, old, now)),
    ];
  });
}

/** A receiver to which a contract is sensitive refuses what comes in clear from a sender to which it is not. */
function resealed(contract: string, old: ContractSchema, now: ContractSchema): BreakingChange[] {
  const [was, is] = [old['x-sensitive'] ?? false, now['x-sensitive'] ?? false];
  if (was === is) return [];
  const problem = is ? 'is sensitive now' : 'is no longer sensitive';
  return [{ contract, receivers: is ? 'new' : 'old', field: 'payload', rule: 'sensitive', problem }];
}

/** Versions that had a receiver and have none. */
function notTaken(contract: string, old: ContractSchema, now: ContractsFile): Incompatibility[] {
  const [type, version] = partsOf(contract);
  const taken = versionsIn(now, type);
  return [...(old['x-takes'] ?? []), version]
    .filter((each) => !taken.has(each))
    .map((each) => ({ field: 'payload', rule: 'version', problem: `of version ${each} is no longer taken` }));
}

const versionsIn = (file: ContractsFile, type: string): ReadonlySet<number> =>
  new Set(
    Object.entries(file.contracts)
      .map(([contract, schema]) => [partsOf(contract), schema] as const)
      .filter(([[its]]) => its === type)
      .flatMap(([[, version], schema]) => [...(schema['x-takes'] ?? []), version]),
  );

function partsOf(contract: string): [type: string, version: number] {
  const at = contract.lastIndexOf('@');
  return [contract.slice(0, at), Number(contract.slice(at + 1))];
}

/** One line for a person: what breaks, for which receivers, and what to do. */
export function changeText({ contract, receivers, field, problem, rule }: BreakingChange): string {
  if (rule === 'version')
    return `${contract}: ${field} ${problem}. Keep the class, or take that version with \`upcast\``;
  if (rule === 'sensitive') {
    const senders = receivers === 'new' ? 'of before' : 'of now';
    return `${contract}: ${field} ${problem}: its receivers refuse what comes in clear from instances ${senders}. Run both with SEALING=accept-clear, see docs/SEALING.md`;
  }
  const next = (([type, version]) => `${type}@${version + 1}`)(partsOf(contract));
  return receivers === 'old'
    ? `${contract}: ${field} ${problem}, which instances of before refuse. Deploy every receiver first, or declare ${next} with \`upcast\``
    : `${contract}: ${field} ${problem} in messages of before. Do not ask for it, or declare ${next} with \`upcast\``;
}
