import { type AgentSettings, loadSettings } from 'agentmq/agent';

/** For agents in one process: in memory and on the embedded database unless the environment says otherwise. */
export const runSettings = (): AgentSettings =>
  loadSettings(undefined, {
    MESSAGE_BUS_TYPE: 'in_memory',
    DATABASE_URL: '',
    NAMESPACE: 'agentmq_run',
    MESSAGE_BUS_START: 'fail',
  });
