import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  engines: { node: string }
  dependencies: Record<string, string>
}

test('on Node 20 the first `npx stevedore` of a clone does not begin with warnings about the Node it will not use', () => {
  expect(manifest.engines.node).toBe('>=20')
})

test('what only builds and tests is nothing that an installed package brings along', () => {
  expect(Object.keys(manifest.dependencies)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/testing|swc|typescript|jest|eslint/)]),
  )
})
