export { createAutopathPlugin } from './autopath.ts';
export { FileSearch, PodSearch, type SearchSource, settlingMs } from './search-path.ts';
