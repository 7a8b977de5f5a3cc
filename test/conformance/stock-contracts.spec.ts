import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import * as agent from 'agentmq/agent';
import * as contracts from 'agentmq/contracts';
import * as coordination from 'agentmq/coordination';
import { breakingChanges, changeText, type ContractsFile, contractsAmong, describeContracts } from 'agentmq/protocol';

const file = 'libs/contracts/contracts.json';

it("AgentMQ's own contracts are as in contracts.json: see docs/EVOLUTION.md, and `npm run contracts`", () => {
  const before = JSON.parse(readFileSync(file, 'utf8')) as ContractsFile;
  const exported = [contracts, agent, coordination].flatMap((room) => Object.values(room) as unknown[]);
  const now = describeContracts(contractsAmong(exported));
  expect(breakingChanges(before, now).map(changeText)).toEqual([]);
  expect(JSON.parse(JSON.stringify(now))).toEqual(before);
});
