import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { isDeclaredAgent } from '../decorators.js';
import { AgentDeclarationError } from '../errors.js';

/**
 * What Nest accepts, and would then do nothing, or everything twice. Throws {@link AgentDeclarationError} that names the class
 * and the module.
 */
export function checkDeclarations(modules: ModulesContainer, agentModule: Type): void {
  const all = [...modules.values()];
  if (all.filter(({ metatype }) => metatype === agentModule).length > 1)
    throw new AgentDeclarationError(
      'AgentModule is imported more than once: import AgentModule.forRoot() in the root module alone, it is there for all modules',
    );
  const controllers = new Set(
    all.flatMap((module) => [...module.controllers.values()].map(({ metatype }) => metatype)),
  );
  for (const module of all) {
    for (const { metatype } of module.providers.values()) {
      if (!metatype || controllers.has(metatype) || !isDeclaredAgent(metatype)) continue;
      throw new AgentDeclarationError(
        `${metatype.name} is an @Agent, and stands among the providers of ${module.name}: it belongs among its controllers`,
      );
    }
  }
}
