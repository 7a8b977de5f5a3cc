import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentClient } from 'agentmq';
import { CoordinatorModule } from 'agentmq/apps/coordinator';
import { MonitorModule } from 'agentmq/apps/monitor';
import { SpecialistModule } from 'agentmq/apps/specialist';
import { WorkerModule } from 'agentmq/apps/worker';
import { RequestTimeoutError } from 'agentmq/broker';
import { NlpRequest, TaskRequest, TaskResult } from 'agentmq/contracts';
import { CircuitBreakers } from 'agentmq/coordination';
import { Metrics } from 'agentmq/telemetry';
import { TestSystem } from 'agentmq/testing';
import { parse } from 'yaml';
import { metricsIn, metricsOnThePage } from '../support/metrics.js';
import { PrometheusServer, prometheusCommand, until } from '../support/index.js';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<'summary' | 'runbook', string>>;
}

const text = (file: string): string => readFileSync(`deploy/${file}`, 'utf8');
const rules = (parse(text('prometheus/rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(text('grafana/dashboards/agentmq.json')) as {
  panels: { title: string; targets?: { expr: string }[] }[];
};

/** The series that an expression asks for: an alert that does not fire has none itself. */
const selectorsOf = (expression: string): string[] => [
  ...new Set(expression.match(/\b(?:agentmq[_:][\w:]+|nodejs_\w+|up)\b(?:\{[^}]*\})?/g)),
];

describe('Prometheus and Grafana', () => {
  let system: TestSystem;
  let http: Server;
  let prometheus: PrometheusServer | undefined;

  beforeAll(async () => {
    system = await TestSystem.create({
      apps: [
        { id: 'coordinator-1', imports: [CoordinatorModule.forRoot()] },
        { id: 'specialist-1', imports: [SpecialistModule.forRoot()] },
        { id: 'worker-1', imports: [WorkerModule.forRoot()] },
        { id: 'monitor-1', imports: [MonitorModule.forRoot()] },
      ],
      settings: { coordination: { leaderHeartbeatInterval: 50, electionTimeout: 200 }, circuit: { minimumVolume: 1 } },
    });
    // Once for the process, as startAgent has it.
    system.apps[0]?.get(Metrics).collectProcess();
    http = createServer((request, response) => {
      const app = system.apps.find(({ id }) => request.url === `/${id}`);
      void app
        ?.get(Metrics)
        .registry.metrics()
        .then((told) => response.end(told));
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const target = `127.0.0.1:${(http.address() as AddressInfo).port}`;
    const scraped = system.apps.map(({ id }) => ({
      targets: [target],
      labels: { __metrics_path__: `/${id}`, instance: id },
    }));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'agentmq', static_configs: scraped }],
    };
    prometheus = await PrometheusServer.start(JSON.stringify(config), { 'rules.yml': text('prometheus/rules.yml') });
  }, 60_000);
  afterAll(async () => {
    await prometheus?.stop();
    http.closeAllConnections();
    http.close();
    await system.close();
  });

  it('promtool accepts rules, configuration and metrics', async () => {
    const promtool = await prometheusCommand('promtool');
    const check = (args: readonly string[], input = ''): void => {
      const { status, stdout, stderr } = spawnSync(promtool, ['check', ...args], { input, encoding: 'utf8' });
      expect([status, `${stdout}${stderr}`]).toEqual([0, expect.any(String)]);
    };
    check(['rules', 'deploy/prometheus/rules.yml']);
    check(['config', '--syntax-only', 'deploy/prometheus/prometheus.yml']);
    for (const app of system.apps) check(['metrics'], await app.get(Metrics).registry.metrics());
  });

  it('all metrics are on their page, with their types and labels, and what is there is told', async () => {
    const page = metricsOnThePage();
    const told = new Set<string>();
    for (const app of system.apps) {
      for (const [name, description] of metricsIn(await app.get(Metrics).registry.metrics())) {
        told.add(name);
        expect(`${name} ${description.replace('?', page.get(name)?.split(' ')[1] ?? '?')}`).toBe(
          `${name} ${page.get(name)}`,
        );
      }
    }
    expect([...told].sort()).toEqual([...page.keys()].sort());
  });

  it('every alert has its paragraph in the runbook', () => {
    const page = readFileSync('docs/RUNBOOK.md', 'utf8');
    const headings = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    const alerts = rules.flatMap(({ alert, annotations }) => (alert ? [{ alert, annotations }] : []));
    expect(headings.filter((name) => name?.startsWith('AgentMQ'))).toEqual(
      expect.arrayContaining(alerts.map(({ alert }) => alert)),
    );
    for (const { alert, annotations } of alerts)
      expect(annotations?.runbook).toBe(`docs/RUNBOOK.md#${alert.toLowerCase()}`);
  });

  it('every query of the dashboard, and all that rules ask for, has series from a running system', async () => {
    const agents = system.get(AgentClient);
    const ask = () =>
      // By an app of the system: what the test itself asks is told by no app.
      agents.request(
        { role: 'coordinator' },
        TaskRequest,
        { task: 'nlp_processing', payload: { texts: ['A wonderful engine'] } },
        { answer: TaskResult },
      );
    await ask();
    // An inbox that is missing, and an agent that does not answer.
    await agents.send({ role: 'nobody' }, NlpRequest, { texts: ['lost'] });
    const breakers = system.get(CircuitBreakers);
    const away = { id: 'worker-1', instance: 'of another start' };
    const fails = () => Promise.reject(new RequestTimeoutError({ kind: 'agent', name: away.id }, 1));
    await breakers.run(away, fails).catch(() => undefined);

    const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(25);
    const asked = [...queries, ...rules.flatMap(({ record, expr }) => (record ? [expr, record] : selectorsOf(expr)))];
    let left = [...new Set(asked)];
    await until(
      'series of every query',
      async () => {
        await ask();
        const found = await Promise.all(left.map(async (query) => ((await prometheus?.query(query)) ?? []).length > 0));
        left = left.filter((_, index) => !found[index]);
        return left.length === 0;
      },
      40_000,
      500,
    ).catch(() => undefined);
    expect(left).toEqual([]);
  }, 60_000);
});
