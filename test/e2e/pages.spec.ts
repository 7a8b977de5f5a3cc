import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { databaseUrl, until } from '../support/index.js';
import { ask, Deployment } from './deployment.js';
import { PageApp } from './page-app.js';

const shop = new PageApp('README.md');
const system = new Deployment();
/** The app's own tables. */
const schema = `${system.namespace}_app`;
let database: Client;

beforeAll(async () => {
  database = new Client({ connectionString: databaseUrl() });
  await database.connect();
  await database.query(`CREATE SCHEMA ${schema}`);
});
afterAll(async () => {
  await system.close();
  await database.query(`DROP SCHEMA ${schema} CASCADE`);
  await database.end();
  shop.remove();
});

it('the app of the README asks, stores and publishes in one transaction; its repository is part of the handler of what was published', async () => {
  const url = new URL(databaseUrl());
  url.searchParams.set('options', `-c search_path=${schema}`);
  const app = await system.start(shop.built('src/main.js'), 'shop', { DATABASE_URL: url.href });
  await app.ready();
  const { status, body } = await ask(app, '/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"item":"lamp"}',
  });
  expect({ status, body }).toEqual({ status: 201, body: { id: 1, item: 'lamp', price: 400, state: 'placed' } });
  const { rows } = await until('the order is confirmed', async () => {
    const found = await database.query(`SELECT item, price FROM ${schema}.order WHERE state = 'confirmed'`);
    return found.rowCount ? found : undefined;
  });
  expect(rows).toEqual([{ item: 'lamp', price: 400 }]);
});
