/** Writes the table of who may import what into docs/architecture.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { arrowsTable } from '../eslint.arrows.js'

const page = new URL('../docs/architecture.md', import.meta.url)
const table = /\| folder \| what it holds \|[^]*?\n(?!\|)/
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(table, () => arrowsTable()),
)
