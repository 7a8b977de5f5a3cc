import { type ContractDefinition, contractKey, contractOf, type PayloadClass } from './contract.js';
import { DuplicateContractError } from '../errors.js';
import { contractTaking } from './versions.js';

/** An immutable set of contracts, looked up by type and version. */
export class ContractCatalogue {
  private readonly byKey = new Map<string, ContractDefinition>();

  /** Throws `NotAContractError`, or {@link DuplicateContractError} when two classes share a type and version. */
  constructor(payloads: Iterable<PayloadClass>) {
    for (const payload of new Set(payloads)) {
      const contract = contractOf(payload);
      const key = contractKey(contract);
      if (this.byKey.has(key)) throw new DuplicateContractError(key);
      this.byKey.set(key, contract);
    }
  }

  /** The contract that reads a message of this type and version: of that version, else the lowest that can upcast it. */
  find(type: string, version: number): ContractDefinition | undefined {
    return this.byKey.get(contractKey({ type, version })) ?? contractTaking(this.byKey.values(), type, version);
  }

  all(): ContractDefinition[] {
    return [...this.byKey.values()];
  }
}
