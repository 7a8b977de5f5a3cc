import type { TaskRecord, TaskTree } from '../task.js';

/** The tasks that are parts of `parentId`, each with what is below it; in the order given. */
export function treesOf(tasks: readonly TaskRecord[], parentId: string | null): TaskTree[] {
  const parts = new Map<string | null, TaskRecord[]>();
  for (const task of tasks) parts.set(task.parentId, [...(parts.get(task.parentId) ?? []), task]);
  const below = (id: string | null): TaskTree[] =>
    (parts.get(id) ?? []).map((task) => ({ task, parts: below(task.id) }));
  return below(parentId);
}
