import { Team } from 'agentmq/agent';
import { firstExamples } from './first.js';

const [, , name = ''] = process.argv;
const example = Object.entries(firstExamples).find(([each]) => each === name)?.[1];
if (example) {
  const team = await Team.open(Team.settings());
  try {
    console.log(await Promise.race([example(team), team.broken]));
  } finally {
    await team.stop();
  }
} else {
  console.error(`usage: npm run example -- ${Object.keys(firstExamples).join(' | ')}`);
  process.exitCode = 2;
}
