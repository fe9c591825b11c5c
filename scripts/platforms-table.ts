/** Writes the tables of docs/platforms.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { platformsTable, settingsTable } from './platforms_table.ts'

const page = new URL('../docs/platforms.md', import.meta.url)
const text = readFileSync(page, 'utf8')
  .replace(/\| \| `fs` [^]*?\n(?!\|)/, () => platformsTable())
  .replace(/\| setting \| means \|[^]*?\n(?!\|)/, () => settingsTable())
writeFileSync(page, text)
