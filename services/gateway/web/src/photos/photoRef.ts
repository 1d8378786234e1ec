/** A photo as it is selected and acted on, wherever it lies: its id says which, the rest is for people. */
export interface PhotoRef {
  readonly photo_id: number;
  readonly project_folder: string;
  readonly filename: string;
}
