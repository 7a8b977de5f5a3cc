import { IsBoolean, IsNotEmpty, IsOptional, IsString, Length, ValidateIf } from 'class-validator';
import { Contract } from 'agentmq/protocol';

/** The payload of a `data_analysis` task: the table itself, or, where that is allowed, a file of the coordinator's machine. */
@Contract({ type: 'data_analysis_input' })
export class AnalysisInput {
  @ValidateIf(({ file }: AnalysisInput) => file === undefined)
  @IsString()
  @IsNotEmpty()
  csv?: string;

  @IsOptional()
  @IsString()
  @IsNotEmpty()
  file?: string;

  /** What errors call the table. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** Refuse the table for its first row that can't be parsed. */
  @IsOptional()
  @IsBoolean()
  strict?: boolean;
}
