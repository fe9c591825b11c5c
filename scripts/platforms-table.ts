/** Writes the tables of docs/platforms.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { platformsTable, settingsTables } from './platforms_table.ts'

const page = new URL('../docs/platforms.md', import.meta.url)
const text = readFileSync(page, 'utf8')
  .replace(/\| \| `fs` [^]*?\n(?!\|)/, () => platformsTable())
  .replaceAll(/\| setting of `(\w+)` \| means \|[^]*?\n(?!\|)/g, (_, platform: string) => settingsTables[platform]!)
writeFileSync(page, text)
