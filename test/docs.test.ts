import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import ts from 'typescript'
import { arrowsTable } from '../eslint.arrows.js'
import { platformsTable, settingsTables } from '../scripts/platforms_table.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** `name` (`path`), `name`, `path` and `name` in `path`, as the pages have it; perhaps several names. */
const named = /((?:`[A-Za-z_.]+`(?:, | and )?)+)(?: \(|, | in )`([\w/.]+\.[tj]s)`/g
const paths = /`((?:src|workflows|activities|scripts|test|docs)\/[\w/.]*)`/g

test.each([
  ['docs/architecture.md', 5],
  ['docs/brakes.md', 5],
  ['docs/decisions.md', 5],
  ['docs/security.md', 5],
  ['docs/temporal.md', 1],
])('%s names what there is, where it is', (page, least) => {
  const text = read(page)
  const missing: string[] = []
  for (const [, path] of text.matchAll(paths)) if (!existsSync(new URL(path!, root))) missing.push(path!)
  let pairs = 0
  for (const [, names, path] of text.matchAll(named)) {
    if (!existsSync(new URL(path!, root))) continue
    for (const [, name] of names!.matchAll(/`([A-Za-z_.]+)`/g)) {
      pairs += 1
      if (!defines(path!, name!.split('.'))) missing.push(`${name} in ${path}`)
    }
  }
  expect(missing).toEqual([])
  expect(pairs).toBeGreaterThan(least)
})

/** Whether the file has a definition of that name, and in it one of the next; a mention is none. */
function defines(path: string, names: readonly string[]): boolean {
  const look = (node: ts.Node, [name, ...inner]: readonly string[]): boolean =>
    name === undefined ||
    ts.forEachChild(node, (child) => look(child, isDefinition(child, name) ? inner : [name, ...inner])) === true
  return look(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest), names)
}

function isDefinition(node: ts.Node, name: string): boolean {
  const defined =
    ts.isFunctionDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isClassElement(node) ||
    ts.isTypeElement(node)
  return defined && node.name !== undefined && ts.isIdentifier(node.name) && node.name.text === name
}

test('the table of who may import what is that of eslint', () => {
  expect(read('docs/architecture.md')).toContain(`\n${arrowsTable()}\n`)
})

test('the tables of the platforms are what their code says', () => {
  expect(read('docs/platforms.md')).toContain(`\n${platformsTable()}\n`)
  for (const table of Object.values(settingsTables)) expect(read('docs/platforms.md')).toContain(`\n${table}\n`)
})

test('a brake that the code names is one of those in docs/brakes.md', () => {
  const brakes = [...read('docs/brakes.md').matchAll(/^\| (\d+) \|/gm)].map(([, brake]) => brake!)
  expect(brakes).toHaveLength(14)
  const cited = ['src', 'workflows', 'activities'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...read(`${folder}/${file}`).matchAll(/\bbrake (\d+)/gi)].map(([, brake]) => brake!)),
  )
  expect(cited.length).toBeGreaterThan(10)
  expect(cited.filter((brake) => !brakes.includes(brake))).toEqual([])
})

test.each([
  ...[
    'README.md',
    'docs/architecture.md',
    'docs/brakes.md',
    'docs/decisions.md',
    'docs/job-document.md',
    'docs/platforms.md',
    'docs/temporal.md',
  ],
  'docs/policies.md',
  'docs/security.md',
])('links of %s lead somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link]) => link!)
  expect(links.filter((link) => !existsSync(new URL(link, new URL(page, root))))).toEqual([])
})
