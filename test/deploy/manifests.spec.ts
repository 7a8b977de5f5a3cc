import 'reflect-metadata';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { DynamicModule } from '@nestjs/common';
import { loadSettings } from 'agentmq/agent';
import { TasksApiModule } from 'agentmq/console';
import { healthPaths } from 'agentmq/telemetry';
import { parseAllDocuments } from 'yaml';

const FOLDER = 'deploy/kubernetes';
/** What an app may need after SHUTDOWN_TIMEOUT, in s. */
const LEAVING = 10;

interface Manifest {
  readonly kind: string;
  readonly metadata?: { readonly name: string };
  readonly [field: string]: unknown;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly envFrom: readonly Record<'configMapRef' | 'secretRef', { readonly name: string } | undefined>[];
    readonly env?: readonly { readonly name: string }[];
    readonly startupProbe: Probe;
    readonly livenessProbe: Probe;
    readonly readinessProbe: Probe;
  }[];
}

interface ScaledObject {
  readonly scaleTargetRef: { readonly name: string };
  readonly advanced: {
    readonly horizontalPodAutoscalerConfig: {
      readonly behavior: { readonly scaleDown: { readonly stabilizationWindowSeconds: number } };
    };
  };
  readonly triggers: readonly {
    readonly type: string;
    readonly metadata: Readonly<Record<'url' | 'valueLocation' | 'targetValue', string>>;
  }[];
}

const files = ['base', 'keda'].flatMap((folder) =>
  readdirSync(join(FOLDER, folder)).map((file) => join(FOLDER, folder, file)),
);
const documentsOf = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    return document.toJS() as Manifest;
  });
const all = files.flatMap(documentsOf);
const ofKind = (kind: string): Manifest[] => all.filter((manifest) => manifest.kind === kind);
const one = (kind: string, name?: string): Manifest => {
  const found = ofKind(kind).filter(({ metadata }) => name === undefined || metadata?.name === name);
  expect(found).toHaveLength(1);
  return found[0] as Manifest;
};

const deployments = ofKind('Deployment').map((manifest) => ({
  name: manifest.metadata?.name ?? '',
  pod: (manifest['spec'] as { readonly template: { readonly spec: Pod } }).template.spec,
}));
const config = one('ConfigMap')['data'] as Record<string, string>;
const secret = one('Secret', 'agentmq')['stringData'] as Record<string, string>;

/** The variables that settings are read from. */
function knownVariables(): Set<string> {
  const asked = new Set<string>();
  loadSettings(new Proxy({}, { get: (_, name) => void asked.add(String(name)) }));
  return asked;
}

/** `/scaling/:role`, as a Nest module's controllers declare them. */
function routesOf(controllers: NonNullable<DynamicModule['controllers']>): string[] {
  return controllers.flatMap((controller) => {
    const prefix = Reflect.getMetadata('path', controller) as string | undefined;
    const methods = Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).map(
      ({ value }) => value as object,
    );
    const paths = methods.map((method) => Reflect.getMetadata('path', method) as string | undefined);
    return paths
      .filter((path) => path !== undefined)
      .map(
        (path) =>
          `/${[prefix, path]
            .map((part) => part?.replaceAll(/^\/|\/$/g, ''))
            .filter(Boolean)
            .join('/')}`,
      );
  });
}

describe('the manifests for Kubernetes', () => {
  it('are listed, each, but for the example of a secret', () => {
    for (const folder of ['base', 'keda']) {
      const [kustomization] = documentsOf(join(FOLDER, folder, 'kustomization.yaml'));
      const listed = kustomization?.['resources'] as string[];
      for (const path of listed) expect(existsSync(join(FOLDER, folder, path))).toBe(true);
      const unlisted = readdirSync(join(FOLDER, folder)).filter((file) => !listed.includes(file));
      const expected = folder === 'base' ? ['kustomization.yaml', 'secret.example.yaml'] : ['kustomization.yaml'];
      expect(unlisted).toEqual(expected);
    }
  });

  it('deploy apps that there are', () => {
    expect(deployments.map(({ name }) => name)).toEqual(['coordinator', 'monitor', 'specialist', 'worker']);
    for (const { name, pod } of deployments) {
      expect(pod.containers.map(({ args }) => args)).toEqual([['start', name]]);
      expect(existsSync(join('apps', name, 'src/main.ts'))).toBe(true);
    }
  });

  it('set only what settings know, to what they accept', () => {
    const known = knownVariables();
    const inPods = deployments.flatMap(({ pod }) =>
      pod.containers.flatMap(({ env = [] }) => env.map(({ name }) => name)),
    );
    for (const name of [...Object.keys(config), ...Object.keys(secret), ...inPods]) expect(known).toContain(name);
    expect(loadSettings({ ...config, ...secret }).scaling.roles).toEqual([]);
    for (const { pod } of deployments) {
      const from = pod.containers.flatMap(({ envFrom }) => envFrom);
      expect(from).toEqual([
        { configMapRef: one('ConfigMap').metadata },
        { secretRef: { name: one('Secret', 'agentmq').metadata?.name } },
      ]);
    }
  });

  it('ask for health where it is told, at the port where the apps listen', () => {
    const { http } = loadSettings({ ...config, ...secret });
    for (const { pod } of deployments) {
      for (const { ports, startupProbe, livenessProbe, readinessProbe } of pod.containers) {
        expect(ports).toEqual([{ name: 'http', containerPort: http.port }]);
        for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
          expect(httpGet.port).toBe('http');
          expect(Object.values(healthPaths(http.healthPath))).toContain(httpGet.path);
        }
        // an app whose broker is away must not be restarted for it
        expect(livenessProbe.httpGet.path).toBe('/health/live');
        expect(readinessProbe.httpGet.path).toBe('/health/ready');
      }
    }
  });

  it('give a stop the time that it may take', () => {
    const { shutdownTimeout } = loadSettings({ ...config, ...secret });
    for (const { pod } of deployments)
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(shutdownTimeout / 1_000 + LEAVING);
  });

  it('have services and budgets for pods that there are', () => {
    for (const manifest of [...ofKind('Service'), ...ofKind('PodDisruptionBudget')]) {
      const { selector } = manifest['spec'] as { readonly selector: Record<string, unknown> };
      const labels = (selector['matchLabels'] ?? selector) as Record<string, string>;
      expect(labels).toEqual({ 'app.kubernetes.io/name': manifest.metadata?.name });
      expect(deployments.map(({ name }) => name)).toContain(manifest.metadata?.name);
    }
  });

  it('have KEDA read the backlog of a role from the coordinators, with the target and the cool-down of the settings', () => {
    const { scaleTargetRef, advanced, triggers } = one('ScaledObject')['spec'] as ScaledObject;
    const { targetBacklog, coolDown } = loadSettings({ ...config, ...secret }).scaling;
    const role = scaleTargetRef.name;
    const deployment = one('Deployment', role)['spec'] as { readonly replicas?: number };
    expect(deployment.replicas).toBeUndefined();
    expect(advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds).toBe(coolDown / 1_000);
    const [trigger] = triggers;
    expect(trigger).toMatchObject({
      type: 'metrics-api',
      metadata: { targetValue: String(targetBacklog), authMode: 'bearer' },
    });
    const [token] = (
      one('TriggerAuthentication')['spec'] as { readonly secretTargetRef: readonly { name: string; key: string }[] }
    ).secretTargetRef;
    expect(Object.keys(one('Secret', token?.name)['stringData'] as object)).toEqual([token?.key]);
    // a field of what is answered there
    expect(trigger?.metadata.valueLocation).toBe('backlog');
    const url = new URL(trigger?.metadata.url ?? '');
    expect(url.hostname.split('.').slice(0, 2)).toEqual(['coordinator', one('Namespace').metadata?.name]);
    const [port] = (one('Service', 'coordinator')['spec'] as { readonly ports: readonly { readonly port: number }[] })
      .ports;
    expect(Number(url.port)).toBe(port?.port);
    expect(url.pathname).toBe(`/scaling/${role}`);
    expect(
      routesOf(Reflect.getMetadata('controllers', TasksApiModule) as NonNullable<DynamicModule['controllers']>),
    ).toContain('/scaling/:role');
  });
});
