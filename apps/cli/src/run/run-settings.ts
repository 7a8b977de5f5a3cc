import { type AgentSettings, loadSettings } from 'agentmq/agent';

/** For agents in one process: in memory and on the embedded database unless the environment says otherwise. */
export const runSettings = (): AgentSettings =>
  loadSettings(undefined, { busType: 'in_memory', databaseUrl: '', namespace: 'agentmq_run', start: 'fail' });
