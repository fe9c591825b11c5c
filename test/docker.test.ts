import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { variables } from '../src/config.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const manifest = JSON.parse(read('package.json')) as { bin: Record<string, string>; files: string[] }

test('the image is given all that the package is built from, and nothing else', () => {
  const given = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path!)
  expect(given.filter((path) => !existsSync(new URL(path, root)))).toEqual([])
  const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] }
  const needed = [...include, 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
  expect(given).toEqual(expect.arrayContaining([...needed, 'scripts/build.ts', 'CHANGELOG.md']))
  expect(read('.dockerignore')).toMatch(/^\*$/m)
})

test('the image runs the command of the package, as somebody else than root', () => {
  const dockerfile = read('Dockerfile')
  const [, entry] = /^ENTRYPOINT \["(.+)"\]$/m.exec(dockerfile)!
  expect(Object.keys(manifest.bin)).toEqual([entry])
  expect(dockerfile.slice(dockerfile.lastIndexOf('\nFROM'))).toMatch(/^USER node$/m)
})

test('the services of compose.yaml run commands and set variables that there are', () => {
  const compose = read('compose.yaml')
  const program = read('src/cli/program.ts')
  const commands = [...compose.matchAll(/^ {4}command: \[(\w+)\]$/gm)].map(([, command]) => command!)
  expect(commands).toEqual(['worker', 'api'])
  for (const command of commands) expect(program).toContain(`['${command}', `)
  const known = variables.map(({ name }) => name)
  const set = [...`${compose}\n${read('Dockerfile')}`.matchAll(/\b((?:STEVEDORE|TEMPORAL)_[A-Z_]+)\b/g)]
  expect(set.length).toBeGreaterThan(2)
  expect(set.map(([, name]) => name!).filter((name) => !known.includes(name))).toEqual([])
})
