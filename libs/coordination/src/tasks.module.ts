import { Global, Module } from '@nestjs/common';
import { Delegation } from './delegation/delegation.js';
import { DistributionModule } from './distribution.module.js';
import { TaskWatching } from './tasks/client/task-watching.js';
import { AskedTasks } from './tasks/client/asked-tasks.js';
import { TaskTypes } from './tasks/client/task-types.js';
import { TaskWaiting } from './tasks/client/task-waiting.js';
import { Tasks } from './tasks/client/tasks.js';
import { TaskNotices } from './tasks/notices.js';
import { AskedStore } from './tasks/store/asked-store.js';
import { AttemptStore } from './tasks/store/attempt-store.js';
import { TaskMetrics } from './tasks/store/task-metrics.js';
import { TaskStore } from './tasks/store/task-store.js';
import { TypeStore } from './tasks/store/type-store.js';
import { TaskSealing } from './tasks/task-sealing.js';
import { Assignments } from './tasks/worker/assignments.js';
import { ProgressReports } from './tasks/worker/progress-reports.js';
import { TaskAttempts } from './tasks/worker/task-attempts.js';
import { TaskWorker } from './tasks/worker/task-worker.js';

/**
 * Tasks, for agents that submit them and agents that carry them out: `Tasks`, `@Task` methods and `Delegation`. Tasks are
 * assigned only while an app with `CoordinatorsModule` runs.
 */
@Global()
@Module({
  imports: [DistributionModule],
  providers: [
    TaskStore,
    AttemptStore,
    TypeStore,
    AskedStore,
    TaskNotices,
    TaskSealing,
    TaskMetrics,
    TaskWaiting,
    TaskWatching,
    Tasks,
    TaskTypes,
    AskedTasks,
    Assignments,
    ProgressReports,
    TaskAttempts,
    TaskWorker,
    Delegation,
  ],
  // TaskNotices and TaskSealing are for the dispatcher and pipelines
  exports: [Tasks, TaskTypes, AskedTasks, Delegation, TaskNotices, TaskSealing],
})
export class TasksModule {}
