import type { JsonSchema, OpenApiDocument, OpenApiOperation } from './openapi.ts';

/** The page's style, within the page; the policy of the page allows this text and nothing else. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1.15rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 1rem 0; }
details { border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.5rem 0; }
summary { display: flex; flex-wrap: wrap; gap: 0 0.75rem; align-items: baseline; padding: 0.6rem 0.9rem; cursor: pointer; }
summary:hover { background: var(--soft); }
summary:focus-visible, a:focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
summary span { margin-left: auto; }
details > div { padding: 0 0.9rem 0.9rem; overflow-x: auto; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { margin: 0.5rem 0; padding: 0.6rem 0.9rem; background: var(--soft); border-radius: 0.375rem; overflow-x: auto; }
b.verb { min-width: 4rem; font: 700 0.8rem/1.5 ui-monospace, monospace; }
b.delete { color: light-dark(#b3261e, #ff8a80); }
b.post, b.put { color: light-dark(#8a5300, #ffc66d); }
b.get { color: light-dark(#0b6b3a, #7ee2a8); }
h3 { margin: 1rem 0 0.25rem; font-size: 0.95rem; }
ul { margin: 0; padding-left: 1.25rem; }
em { opacity: 0.75; font-style: normal; }
`;

/** The document as a page without a script: what there is, what it takes, and what it answers. */
export function docsPage(document: OpenApiDocument): string {
  const { info, tags, paths, components } = document;
  const sections = tags.map(({ name }) => {
    const operations = Object.entries(paths).flatMap(([path, verbs]) =>
      Object.entries(verbs)
        .filter(([, operation]) => operation.tags.includes(name))
        .map(([verb, operation]) => operationBlock(path, verb, operation)),
    );
    return `<h2 id="${anchor(name)}">${escaped(name)}</h2>\n${operations.join('\n')}`;
  });
  const shapes = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="schema-${escaped(name)}"><summary><code>${escaped(name)}</code></summary><div>${schemaList(schema)}</div></details>`,
  );
  const links = [...tags.map(({ name }) => name), 'Shapes'];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice HTTP API</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<h1>Sluice HTTP API</h1>
<p><em>Version ${escaped(String(info['version']))} · <a href="/api/v1/openapi.json">OpenAPI document</a></em></p>
<p>${withCode(String(info['description']))}</p>
<nav aria-label="Sections">${links.map((name) => `<a href="#${anchor(name)}">${escaped(name)}</a>`).join('\n')}</nav>
<main>
${sections.join('\n')}
<h2 id="shapes">Shapes</h2>
${shapes.join('\n')}
</main>
</body>
</html>
`;
}

function operationBlock(path: string, verb: string, operation: OpenApiOperation): string {
  const parts = [
    operation.description === undefined ? '' : `<p>${withCode(operation.description)}</p>`,
    parameterList(operation),
    operation.requestBody === undefined
      ? ''
      : `<h3>Body</h3>${schemaList(bodySchema(operation.requestBody.content))}`,
    ...Object.entries(operation.responses).map(
      ([status, { description, content }]) =>
        `<h3>${escaped(status)}: ${escaped(description)}</h3>${content === undefined ? '' : schemaList(bodySchema(content))}`,
    ),
    `<h3>Try</h3><pre>${escaped(curlOf(path, verb, operation))}</pre>${tryLink(path, verb, operation)}`,
  ];
  return `<details id="${escaped(operation.operationId)}">
<summary><b class="verb ${verb}">${verb.toUpperCase()}</b><code>${escaped(path)}</code><span>${escaped(operation.summary)}</span></summary>
<div>${parts.join('')}</div>
</details>`;
}

function bodySchema(content: NonNullable<OpenApiOperation['requestBody']>['content']): JsonSchema {
  return content['application/json']?.schema ?? {};
}

function parameterList({ parameters = [] }: OpenApiOperation): string {
  if (parameters.length === 0) return '';
  const items = parameters.map(({ name, in: where, required, description, schema }) => {
    const need = required ? '' : ', may be left out';
    const value = schema['default'] === undefined ? '' : `, ${JSON.stringify(schema['default'])} by default`;
    return `<li><code>${escaped(name)}</code> <em>${where}${need}${value}</em> ${escaped(description)}</li>`;
  });
  return `<h3>Parameters</h3><ul>${items.join('')}</ul>`;
}

function curlOf(path: string, verb: string, operation: OpenApiOperation): string {
  const words = ['curl'];
  if (verb !== 'get') words.push('-X', verb.toUpperCase());
  words.push(`'http://localhost:1985${path.replace('{id}', 'ID')}${queryOf(operation)}'`);
  if (operation.requestBody !== undefined) words.push(`-d '{"app":"live","stream":"livestream"}'`);
  return words.join(' ');
}

function queryOf({ parameters = [] }: OpenApiOperation): string {
  const needed = parameters.filter(({ in: where, required }) => where === 'query' && required);
  const pairs = needed.map(({ name, schema }) => `${name}=${wordOf(schema.enum?.[0])}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A link for what can be asked by a click without changing anything. */
function tryLink(path: string, verb: string, operation: OpenApiOperation): string {
  if (verb !== 'get' || path.includes('{')) return '';
  const address = `${path}${queryOf(operation)}`;
  return `<a href="${escaped(address)}">${escaped(address)}</a>`;
}

/** A schema as nested lists; named ones are links to their own block. */
function schemaList(schema: JsonSchema): string {
  const { properties, items, anyOf } = schema;
  if (properties !== undefined) {
    const rows = Object.entries(properties).map(([name, property]) => {
      const need = schema.required?.includes(name) === true ? '' : ', may be absent';
      const nested = property.properties === undefined ? '' : schemaList(property);
      return `<li><code>${escaped(name)}</code> <em>${typeText(property)}${need}</em>${nested}</li>`;
    });
    return `<ul>${rows.join('')}</ul>`;
  }
  if (anyOf !== undefined) return `<ul>${anyOf.map((one) => `<li>${typeText(one)}</li>`).join('')}</ul>`;
  return `<p>${items === undefined ? typeText(schema) : `list of ${typeText(items)}`}</p>`;
}

function typeText(schema: JsonSchema): string {
  const { $ref, anyOf, items, type } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    return `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
  }
  if (schema.const !== undefined) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `<code>${escaped(JSON.stringify(value))}</code>`).join(' or ');
  }
  if (anyOf !== undefined) return anyOf.map(typeText).join(' or ');
  if (items !== undefined) return `list of ${typeText(items)}`;
  return escaped(typeof type === 'string' ? type : (type?.join(' or ') ?? 'anything'));
}

/** Text between backticks as code. */
function withCode(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function anchor(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
