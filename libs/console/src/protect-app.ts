import { AgentSettings, largestBody } from 'agentmq/agent';
import { type ExpressApp, protect } from 'agentmq/http';

/** For the `nest` of `startAgent`, in an app whose routes are all ours: what it answers to whom, and within which limits. */
export function protectApp(app: ExpressApp): Promise<void> {
  const settings = app.get(AgentSettings);
  const { access, http } = settings;
  return protect(app, { access, largestBody: largestBody(settings), healthPath: http.healthPath });
}
