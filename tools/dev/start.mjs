/**
 * `npm run start:dev`: apps of this repository in one process, each by its own main. They share a bus in memory and the embedded
 * database, unless the settings name servers.
 */
import 'reflect-metadata';
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { NestApplicationContext } from '@nestjs/core';
import { AGENT_OPTIONS, AgentModule, loadSettings } from 'agentmq/agent';
import { MemoryHub } from 'agentmq/broker';
import { Store } from 'agentmq/message-store';
import { buildPage } from '../page.mjs';

const DATA_DIRECTORY = './.agentmq';

await buildPage();
const settings = loadSettings(undefined, { MESSAGE_BUS_TYPE: 'in_memory', DATABASE_URL: '' });
const { namespace, bus, database, http } = settings;
process.env.MESSAGE_BUS_TYPE = bus.type;
process.setMaxListeners(0);

const apps = appsFor(process.argv.slice(2));
const store = database.url ? undefined : Store.embedded({ dataDirectory: DATA_DIRECTORY, namespace });
await store?.database.migrate();
share({
  ...(bus.type === 'in_memory' ? { hub: new MemoryHub({ maxQueueSize: bus.maxQueueSize }) } : {}),
  ...(store ? { store } : {}),
});
const stop = stopTogether();
try {
  for (const [n, app] of apps.entries()) await start(app, String(http.port + n));
} catch (error) {
  // a leader that crashes in place of resigning would hold up the next start's election
  console.error(error);
  await stop(1);
}

async function start(app, port) {
  Object.assign(process.env, { HTTP_PORT: port, PORT: port, port });
  await import(pathToFileURL(`${app.sourceRoot}/${app.entryFile}.ts`).href);
  process.stdout.write(`${app.name}: http://localhost:${port}\n`);
}

/** All apps with a Nest module, unless some are named. */
function appsFor(names) {
  const { projects } = JSON.parse(readFileSync('nest-cli.json', 'utf8'));
  const known = Object.entries(projects)
    .map(([name, project]) => ({ name, ...project }))
    .filter(({ type, sourceRoot }) => type === 'application' && hasModule(sourceRoot));
  const unknown = names.find((name) => !known.some((app) => app.name === name));
  if (unknown === undefined) return known.filter(({ name }) => names.length === 0 || names.includes(name));
  process.stderr.write(`there is no app "${unknown}"; there are: ${known.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

function hasModule(folder) {
  return readdirSync(folder).some((file) => file.endsWith('.module.ts'));
}

/** What the apps give to `AgentModule` counts before what they share. */
function share(shared) {
  for (const name of ['forRoot', 'forRootAsync']) {
    const original = AgentModule[name];
    AgentModule[name] = function (options) {
      const module = original.call(this, options);
      return { ...module, providers: module.providers.map((provider) => withShared(provider, shared)) };
    };
  }
}

function withShared(provider, shared) {
  if (provider.provide !== AGENT_OPTIONS) return provider;
  const { useValue, useFactory, ...rest } = provider;
  if (!useFactory) return { ...rest, useValue: { ...shared, ...useValue } };
  return { ...rest, useFactory: async (...given) => ({ ...shared, ...(await useFactory(...given)) }) };
}

/** Each app would end the process when it has stopped itself: here all are stopped, the last started first. */
function stopTogether() {
  const started = [];
  NestApplicationContext.prototype.enableShutdownHooks = function () {
    started.push(this);
    return this;
  };
  const stop = async (code) => {
    for (const app of started.splice(0).reverse()) await app.close();
    await store?.database.close();
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop(0));
  return stop;
}
