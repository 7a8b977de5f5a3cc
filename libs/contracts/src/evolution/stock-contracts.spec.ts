import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import * as room from '../index.js';

const file = 'libs/contracts/contracts.json';

it('the stock contracts are as in contracts.json: see docs/EVOLUTION.md, and `npm run contracts`', () => {
  const before = JSON.parse(readFileSync(file, 'utf8')) as room.ContractsFile;
  const now = room.describeContracts(room.contractsAmong(Object.values(room)));
  expect(room.breakingChanges(before, now).map(room.changeText)).toEqual([]);
  expect(JSON.parse(JSON.stringify(now))).toEqual(before);
});
