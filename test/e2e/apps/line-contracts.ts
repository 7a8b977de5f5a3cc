import { Contract } from 'agentmq';
import { ArrayMaxSize, IsArray, IsInt, IsString } from 'class-validator';

/** What goes from stage to stage. */
export class Sheet {
  @IsInt()
  n!: number;

  /** How long each stage that is still to come takes, in ms. */
  @IsInt({ each: true })
  @ArrayMaxSize(4)
  times!: number[];

  /** Who has done the stages before. */
  @IsArray()
  @IsString({ each: true })
  by!: string[];
}

@Contract({ type: 'parse_sheet' })
export class Parse extends Sheet {}

@Contract({ type: 'clean_sheet' })
export class Clean extends Sheet {}

@Contract({ type: 'analyse_sheet' })
export class Analyse extends Sheet {}

@Contract({ type: 'report_sheet' })
export class Report extends Sheet {}

@Contract({ type: 'reported_sheet' })
export class Reported extends Sheet {}
