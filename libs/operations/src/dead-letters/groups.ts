import { InvalidSelectionError } from 'agentmq/database';
import type { DeliveryError, ReplaySelection, StoredDeadLetterGroup } from 'agentmq/message-store';
import type { DeadLetterGroup } from '../views/changes.js';

type GroupKey = Pick<StoredDeadLetterGroup, 'consumer' | 'type' | 'version' | 'errorGroup'>;

const form = /^((?:role|agent)\.[^~]+)~([^~]+)@(\d{1,15})~([^~]{1,32})$/;

/** The id of a group, e.g. `role.worker~order@2~9f31c2ab04d1e77a`. */
export const groupId = ({ consumer, type, version, errorGroup }: GroupKey): string =>
  `${consumer}~${type}@${version}~${errorGroup}`;

/** What a group holds. Throws `InvalidSelectionError` for what is no id of a group. */
export function groupSelection(
  id: string,
): Required<Pick<ReplaySelection, 'consumer' | 'type' | 'version' | 'errorGroup'>> {
  const [, consumer, type, version, errorGroup] = form.exec(id) ?? [];
  if (!consumer || !type || !version || !errorGroup)
    throw new InvalidSelectionError('group', `"${id}" is not the id of a group`);
  return { consumer, type, version: Number(version), errorGroup };
}

export const groupView = (group: StoredDeadLetterGroup): DeadLetterGroup => {
  const { consumer, type, version, error, count, more, firstAt, lastAt, example } = group;
  const told = { consumer, type, version, error: briefly(error), count, ...(more ? { more: true as const } : {}) };
  return { id: groupId(group), ...told, firstAt, lastAt, example };
};

/** An error as lists tell it. */
export const briefly = (error: DeliveryError | null): DeadLetterGroup['error'] => ({
  name: error?.name ?? 'Error',
  code: error?.code ?? 'UNKNOWN',
  message: error?.message ?? '',
});

/** A group within what else is asked for. Throws `InvalidSelectionError` where it is of another consumer or type. */
export function agreeing<Group extends ReturnType<typeof groupSelection>>(
  { consumer, type }: Pick<ReplaySelection, 'consumer' | 'type'>,
  group: Group,
): Group {
  if ((consumer ?? group.consumer) !== group.consumer)
    throw new InvalidSelectionError('group', `is not of ${consumer}`);
  if ((type ?? group.type) !== group.type) throw new InvalidSelectionError('group', `is not of ${type}`);
  return group;
}
