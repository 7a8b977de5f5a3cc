/**
 * Writes libs/console/src/openapi/paths.ts: what the console's controllers are asked and answer, as OpenAPI 3.1, of their TypeScript types.
 * The controllers are the one source: a route, a field or a comment that is added to them is in the document after `npm run openapi`.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const OUT = 'libs/console/src/openapi/paths.ts';
const METHODS = { Get: 'get', Post: 'post', Delete: 'delete', Put: 'put', Patch: 'patch', Sse: 'get' };

const files = readdirSync('libs/console/src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.controllers?\.ts$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
const { config } = ts.readConfigFile('tsconfig.base.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, '.');
const program = ts.createProgram(files, { ...options, noEmit: true });
const checker = program.getTypeChecker();

const schemas = new Map();
const names = new Map();

const commentOf = (symbol) =>
  ts.displayPartsToString(symbol?.getDocumentationComment(checker)).replaceAll(/\s+/g, ' ').trim();
const described = (schema, symbol) => {
  const description = commentOf(symbol).replaceAll(/\{@link (\S+?)\}/g, '$1');
  return description === '' ? schema : { ...schema, description };
};

function schemaOf(type) {
  const { flags } = type;
  const name = type.symbol?.name;
  // of a task's type: it has a property $ref, which a reader of the document would take for a reference
  if (type.aliasSymbol?.name === 'Schema' || name === 'Schema')
    return { type: 'object', description: 'A JSON Schema.' };
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
  if (flags & ts.TypeFlags.Null) return { type: 'null' };
  if (flags & ts.TypeFlags.StringLiteral) return { type: 'string', enum: [type.value] };
  if (flags & ts.TypeFlags.NumberLiteral) return { type: 'number', enum: [type.value] };
  if (flags & ts.TypeFlags.BooleanLiteral) return { type: 'boolean', enum: [checker.typeToString(type) === 'true'] };
  if (flags & (ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral)) return { type: 'string' };
  if (flags & ts.TypeFlags.Number) return { type: 'number' };
  if (flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
  if (type.isUnion())
    return type.types.some(({ flags: each }) => each & ts.TypeFlags.Object) ? named(type, ofUnion) : ofUnion(type);
  if (name === 'Date') return { type: 'string', format: 'date-time' };
  if (name === 'Array' || name === 'ReadonlyArray')
    return { type: 'array', items: schemaOf(checker.getTypeArguments(type)[0]) };
  if (checker.isTupleType(type)) return { type: 'array' };
  if (flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return named(type, properties);
  return {};
}

function ofUnion(type) {
  const members = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
  const literals = members.filter((each) => each.isStringLiteral());
  const booleans = members.filter(({ flags }) => flags & ts.TypeFlags.BooleanLiteral);
  const others = members.filter((each) => !literals.includes(each) && !booleans.includes(each));
  const parts = [
    ...(literals.length > 0 ? [{ type: 'string', enum: literals.map(({ value }) => value) }] : []),
    ...(booleans.length === 2 ? [{ type: 'boolean' }] : booleans.map(schemaOf)),
    ...others.map(schemaOf),
  ];
  return parts.length === 1 ? parts[0] : { anyOf: parts };
}

/** Types with a name have a schema of their own, so that one may have itself as a part. */
function named(type, make) {
  const symbol = type.aliasSymbol ?? (type.isUnion() ? undefined : type.symbol);
  const isNamed = symbol && !symbol.name.startsWith('__') && !UNNAMED.includes(symbol.name);
  const isGeneric = (type.aliasTypeArguments ?? (isReference(type) ? checker.getTypeArguments(type) : [])).length > 0;
  if (!isNamed || isGeneric) {
    // one that has itself as a part, and no name by which that could be told
    if (open.has(type)) return {};
    open.add(type);
    const schema = make(type);
    open.delete(type);
    return schema;
  }
  const name = nameOf(symbol);
  if (!schemas.has(name)) {
    schemas.set(name, {});
    schemas.set(name, described(make(type), symbol));
  }
  return { $ref: `#/components/schemas/${name}` };
}

const open = new Set();
const UNNAMED = ['Object', 'Record', 'Omit', 'Page'];
const isReference = ({ objectFlags = 0 }) => (objectFlags & ts.ObjectFlags.Reference) !== 0;

function nameOf(symbol) {
  const known = names.get(symbol);
  if (known) return known;
  const taken = new Set(names.values());
  let name = symbol.name;
  for (let n = 2; taken.has(name); n++) name = `${symbol.name}${n}`;
  names.set(symbol, name);
  return name;
}

function properties(type) {
  const found = {};
  const required = [];
  for (const property of checker.getPropertiesOfType(type)) {
    const declared = checker.getTypeOfSymbol(property);
    if (declared.getCallSignatures().length > 0 || property.name.startsWith('__')) continue;
    const own = { ...schemaOf(declared), ...boundsOf(property) };
    found[property.name] = described(own, property);
    if (!(property.flags & ts.SymbolFlags.Optional)) required.push(property.name);
  }
  const index = checker.getIndexInfosOfType(type).find(({ keyType }) => keyType.flags & ts.TypeFlags.String)?.type;
  return {
    type: 'object',
    ...(Object.keys(found).length > 0 ? { properties: found } : {}),
    ...(required.length > 0 ? { required } : {}),
    ...(index ? { additionalProperties: schemaOf(index) } : {}),
  };
}

const decoratorsOf = (node) =>
  (ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : []).flatMap(({ expression }) =>
    ts.isCallExpression(expression) ? [{ name: expression.expression.getText(), given: expression.arguments }] : [],
  );

const literal = (node) => {
  if (!node) return undefined;
  const type = checker.getTypeAtLocation(node);
  return type.isStringLiteral() || type.isNumberLiteral() ? type.value : undefined;
};

/** What class-validator's decorators say of a property of a request. */
function boundsOf(property) {
  const [declaration] = property.declarations ?? [];
  const bounds = {};
  for (const { name, given } of declaration ? decoratorsOf(declaration) : []) {
    const [first, second] = given.map(literal);
    if (name === 'IsInt') bounds.type = 'integer';
    if (name === 'Min') bounds.minimum = first;
    if (name === 'Max') bounds.maximum = first;
    if (name === 'Length' && given.length === 2 && bounds.type !== 'array')
      Object.assign(bounds, { minLength: first, maxLength: second });
    if (name === 'IsISO8601') bounds.format = 'date-time';
    if (name === 'IsPositive') bounds.exclusiveMinimum = 0;
    if (name === 'ArrayMinSize') bounds.minItems = first;
    if (name === 'ArrayMaxSize') bounds.maxItems = first;
  }
  const isEach = declaration && decoratorsOf(declaration).some(({ name }) => name === 'IsArray');
  if (isEach) for (const key of ['minLength', 'maxLength']) delete bounds[key];
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined));
}

const answered = (schema, type = 'application/json') => ({ content: { [type]: { schema } } });

function operationOf(method, { name: verb }) {
  const decorators = decoratorsOf(method);
  const given = (wanted) => decorators.find(({ name }) => name === wanted)?.given.map(literal);
  const signature = checker.getSignatureFromDeclaration(method);
  const result = checker.getAwaitedType(checker.getReturnTypeOfSignature(signature)) ?? checker.getVoidType();
  const parameters = [];
  let requestBody;
  let isEither = false;
  for (const parameter of method.parameters) {
    const type = checker.getTypeAtLocation(parameter);
    for (const { name, given: args } of decoratorsOf(parameter)) {
      if (name === 'Param')
        parameters.push({ name: literal(args[0]), in: 'path', required: true, schema: { type: 'string' } });
      if (name === 'Query') {
        const { properties: fields = {}, required = [] } = properties(type);
        for (const [field, { description, ...schema }] of Object.entries(fields))
          parameters.push({
            name: field,
            in: 'query',
            ...(required.includes(field) ? { required: true } : {}),
            ...(description ? { description } : {}),
            schema,
          });
      }
      if (name === 'Body') requestBody = answered(schemaOf(type));
      if (name === 'Res' && type.symbol?.name === 'StatusSetter') isEither = true;
    }
  }
  const status = given('HttpCode')?.[0] ?? (verb === 'Post' ? 201 : 200);
  const isNothing = Boolean(result.flags & ts.TypeFlags.Void);
  const answer =
    verb === 'Sse' ? answered({ type: 'string' }, 'text/event-stream') : isNothing ? {} : answered(schemaOf(result));
  const statuses = isEither ? [200, 202] : [status];
  const comment = commentOf(checker.getSymbolAtLocation(method.name));
  return {
    role: given('Needs')?.[0] ?? (METHODS[verb] === 'get' ? 'viewer' : 'operator'),
    ...(comment ? { description: comment } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    answers: Object.fromEntries(statuses.map((each) => [each, answer])),
  };
}

const paths = {};
for (const file of files) {
  ts.forEachChild(program.getSourceFile(file), (node) => {
    if (!ts.isClassDeclaration(node)) return;
    const controller = decoratorsOf(node).find(({ name }) => name === 'OperationsController');
    if (!controller) return;
    for (const method of node.members.filter(ts.isMethodDeclaration)) {
      const route = decoratorsOf(method).find(({ name }) => name in METHODS);
      if (!route) continue;
      const path = `/${[literal(controller.given[0]), literal(route.given[0])].filter(Boolean).join('/')}`.replaceAll(
        /:(\w+)/g,
        '{$1}',
      );
      const tag = path.split('/')[1];
      (paths[path] ??= {})[METHODS[route.name]] = {
        tag,
        id: `${node.name.text.replace('Controller', '')}.${method.name.text}`,
        ...operationOf(method, route),
      };
    }
  });
}

const sorted = (entries) => Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
const text = `/* Generated by \`npm run openapi\`. */
import type { DescribedPaths, DescribedSchemas } from './describe.js';

export const paths: DescribedPaths = ${JSON.stringify(sorted(Object.entries(paths)))};

export const schemas: DescribedSchemas = ${JSON.stringify(sorted(schemas))};
`;
writeFileSync(OUT, await format(text, { ...(await resolveConfig(OUT)), filepath: OUT }));
