import { RequestMethod } from '@nestjs/common';
import { type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import { RouteInfoPathExtractor } from '@nestjs/core/middleware/route-info-path-extractor.js';
import { RoutesMapper } from '@nestjs/core/middleware/routes-mapper.js';

/** The whole paths, global prefix and version included, at which the app's own controllers answer GET. */
export function ownRoutes(modules: ModulesContainer, config: ApplicationConfig): ReadonlySet<string> {
  const [anyModule] = modules.values();
  if (!anyModule) return new Set();
  const paths = new RouteInfoPathExtractor(config);
  return new Set(
    new RoutesMapper(anyModule['container'], config)
      .mapControllersToRouteInfo()
      .filter(({ method }) => method === RequestMethod.GET || method === RequestMethod.ALL)
      .flatMap((route) => paths.extractPathsFrom(route))
      .map((path) => path.replace(/\/$/, '')),
  );
}
