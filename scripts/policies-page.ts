/** Writes docs/policies.md from the code that decides. */
import { writeFileSync } from 'node:fs'
import { policiesPage } from '../src/policy/policies_page.ts'

writeFileSync(new URL('../docs/policies.md', import.meta.url), policiesPage())
