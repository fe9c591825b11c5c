import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { policiesPage } from '../../src/policy/policies_page.ts'

test('docs/policies.md says what the code does; node scripts/policies-page.ts writes it', () => {
  expect(readFileSync(new URL('../../docs/policies.md', import.meta.url), 'utf8')).toBe(policiesPage())
})
