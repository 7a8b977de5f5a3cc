import { ElectionMessage as Wire } from '../messages/election.js';
import type { MachineMessage } from './protocol.js';

/** Where messages to all members of a group go. */
export const topicToAll = (group: string): string => `election.${group}.all`;

/** Where messages to one member of a group go. */
export const topicTo = (group: string, member: string): string => `election.${group}.to.${member}`;

/** By which the members of a group know each other in the registry. */
export const capabilityOf = (group: string): string => `election.${group}`;

/** How a message travels. */
export const toElectionMessage = (
  sender: { readonly group: string; readonly from: string; readonly incarnation: number },
  message: MachineMessage,
): Wire => Object.assign(new Wire(), sender, message);

/** What was said; its contract has been checked. */
export function toMachineMessage({ kind, term, granted = false, transfer = false, round = 0 }: Wire): MachineMessage {
  switch (kind) {
    case 'pre_vote_answer':
    case 'vote_answer':
      return { kind, term, granted };
    case 'vote_request':
      return { kind, term, transfer };
    case 'leading':
    case 'following':
      return { kind, term, round };
    default:
      return { kind, term };
  }
}
