import { joinApp } from './existing-app.js';
import { filesOf, mainOf } from './files.js';
import { addApp } from './new-app.js';
import { findTarget, formatted, lacksCoordinator, packageOfWorkspace, readJson } from './workspace.js';

const NEEDED_BY_SPEC = ['@nestjs/testing', '@electric-sql/pglite'];

/**
 * `nest generate agent`: a module, an agent, its contract and its spec, in an app that there is or in a new one of a monorepo.
 * @param {object} options schema.json describes them
 * @returns {import('@angular-devkit/schematics').Rule}
 */
export const agent = (options) => async (tree, context) => {
  const { NameParser, normalizeToKebabOrSnakeCase } = await packageOfWorkspace('@nestjs/schematics');
  const { name, path } = new NameParser().parse({ ...options, name: normalizeToKebabOrSnakeCase(options.name) });
  if (!/^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/.test(name))
    throw new Error(`name: "${options.name}" is no name of an agent: use letters and digits, and "-" between words`);
  const target = findTarget(tree, { ...options, name });
  const isNew = target.newApp !== undefined;
  const sourceRoot = isNew ? addApp(tree, target.newApp) : target.sourceRoot;
  const folder = isNew || options.flat ? sourceRoot + path : `${sourceRoot}${path === '/' ? '' : path}/${name}`;
  const { type, dependencies, devDependencies } = readJson(tree, 'package.json') ?? {};
  const described = { ...describe(name, type === 'module'), assigns: lacksCoordinator(tree, sourceRoot) };
  if (!isNew && !options.skipImport) await joinApp(tree, context, { ...target, ...described, folder });
  const files = filesOf(described);
  const create = async (file, text) => tree.create(file, await formatted(file, text));
  for (const ending of ['contract', 'agent', 'module']) await create(`${folder}/${name}.${ending}.ts`, files[ending]);
  if (options.spec !== false) {
    await create(`${folder}/${name}.agent.${options.specFileSuffix || 'spec'}.ts`, files.spec);
    const lacking = NEEDED_BY_SPEC.filter((each) => !(each in { ...dependencies, ...devDependencies }));
    if (lacking.length > 0) context.logger.warn(`for the spec: npm install --save-dev ${lacking.join(' ')}`);
  }
  if (isNew) await create(`${sourceRoot}/main.ts`, mainOf(described));
};

function describe(name, isEsm) {
  const words = name.split(/[-_]/);
  return {
    name,
    isEsm,
    className: words.map((word) => word[0].toUpperCase() + word.slice(1)).join(''),
    type: words.join('_'),
    of: (ending) => `./${name}.${ending}${isEsm ? '.js' : ''}`,
  };
}
