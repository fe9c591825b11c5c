export { execution } from './execution.ts'
export { job } from './job.ts'
