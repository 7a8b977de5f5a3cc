import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { PostgresServer } from './postgres-server.js';

describe('PostgresServer', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 90_000);

  afterAll(() => server?.stop());

  const query = async (sql: string): Promise<unknown[]> => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };

  it('keeps what was committed when it is restarted or killed', async () => {
    await query('create table kept (id int)');
    await query('insert into kept values (1)');
    await server.restart();
    expect(await query('select * from kept')).toEqual([{ id: 1 }]);

    const idle = new Client({ connectionString: server.url });
    const lost = new Promise((resolve) => idle.on('error', resolve));
    await idle.connect();
    await server.kill();
    await lost;
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED');
    await server.up();
    expect(await query('select * from kept')).toEqual([{ id: 1 }]);
  }, 60_000);
});
