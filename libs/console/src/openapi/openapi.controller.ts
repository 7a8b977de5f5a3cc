import { Get } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { createRequire } from 'node:module';
import { OperationsController } from '../operations.js';
import { openApiOf } from './describe.js';
import { paths, schemas } from './paths.js';

/** What can be asked here, as OpenAPI has it. */
@OperationsController('openapi.json')
export class OpenApiController {
  private document: object | undefined;

  constructor(private readonly modules: ModulesContainer) {}

  @Get()
  read(): object {
    return (this.document ??= this.make());
  }

  /** An app may have a part of the controllers only, as the coordinator has. */
  private make(): object {
    const { version } = createRequire(import.meta.url)('agentmq/package.json') as { readonly version: string };
    const controllers = [...this.modules.values()].flatMap((module) => [...module.controllers.values()]);
    const present = new Set(controllers.map(({ name }) => String(name).replace('Controller', '')));
    const served = Object.entries(paths).filter(([, operations]) =>
      Object.values(operations).some(({ id }) => present.has(id.split('.')[0] ?? '')),
    );
    return openApiOf(Object.fromEntries(served), schemas, version);
  }
}
