import { readJson, writeJson } from './workspace.js';

/**
 * Makes an app of a monorepo as its neighbours are: its entry in nest-cli.json, its tsconfig, and its service in compose files
 * whose apps share the anchor `agent`. Returns where its sources go.
 * @param {import('@angular-devkit/schematics').Tree} tree
 * @param {string} app
 */
export function addApp(tree, app) {
  const config = readJson(tree, 'nest-cli.json');
  const neighbour = Object.entries(config.projects ?? {}).find(
    ([name, { type, root }]) => type === 'application' && root?.endsWith(`/${name}`),
  );
  const [, like] = neighbour ?? [];
  const root = like ? `${parentOf(like.root)}/${app}` : `apps/${app}`;
  const project = {
    ...(like ?? { type: 'application', entryFile: 'main' }),
    root,
    sourceRoot: `${root}/src`,
    compilerOptions: { ...like?.compilerOptions, tsConfigPath: `${root}/tsconfig.app.json` },
  };
  const projects = Object.entries({ ...config.projects, [app]: project }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeJson(tree, 'nest-cli.json', { ...config, projects: Object.fromEntries(projects) });
  addTsconfig(tree, app, root, neighbour);
  for (const file of tree.root.subfiles.filter((each) => /^(docker-)?compose.*\.ya?ml$/.test(each)))
    addService(tree, file, app);
  return project.sourceRoot;
}

const parentOf = (path) => path.slice(0, path.lastIndexOf('/'));

/** A neighbour's tsconfig has the ways of the monorepo: what it extends, and where what is built goes. */
function addTsconfig(tree, app, root, neighbour) {
  const [name, { compilerOptions } = {}] = neighbour ?? [];
  const file = compilerOptions?.tsConfigPath;
  const text =
    file && tree.exists(file)
      ? tree.readText(file).replaceAll(new RegExp(`/${name}(?=["/])`, 'g'), `/${app}`)
      : DEFAULT_TSCONFIG(app);
  tree.create(`${root}/tsconfig.app.json`, text);
  const workspace = readJson(tree, 'tsconfig.json');
  if (!workspace?.references) return;
  writeJson(tree, 'tsconfig.json', {
    ...workspace,
    references: [...workspace.references, { path: `./${root}/tsconfig.app.json` }],
  });
}

/** As `nest generate app` makes it. */
const DEFAULT_TSCONFIG = (app) => `{
  "extends": "../../tsconfig.json",
  "compilerOptions": { "declaration": false, "rootDir": "../..", "outDir": "../../dist/apps/${app}" },
  "include": ["src/**/*"],
  "exclude": ["node_modules", "dist", "test", "**/*spec.ts"]
}
`;

/** As text: so the file keeps its comments and its form. */
function addService(tree, file, app) {
  const text = tree.readText(file);
  if (!/: &agent$/m.test(text) || new RegExp(`^  ${app}:`, 'm').test(text)) return;
  const service = `\n  ${app}:\n    <<: *agent\n    command: [start, ${app}]\n`;
  const [before, services] = text.split(/(?<=^services:\n)/m);
  if (services === undefined) return;
  const end = services.search(/\n(?=\S)/);
  const added = end < 0 ? services + service : services.slice(0, end) + service + services.slice(end);
  tree.overwrite(file, before + added);
}
