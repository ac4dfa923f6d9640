//! Every rule: its id, what it says, who says so, and how much it weighs. Data only; the checks are beside it.

/// What GitLab does with a file that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It refuses the file, creates no pipeline, or loses a part of it in silence.
    Refused,
    /// It takes the file and does something else than what one reads.
    Trap,
}

/// A rule of GitLab.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: &'static str,
    pub weight: Weight,
    /// What must hold.
    pub says: &'static str,
    /// The page of GitLab's documentation, or the file of its source, that says so.
    pub source: &'static str,
}

macro_rules! rules {
    ($($name:ident $weight:ident $id:literal $says:literal $source:literal)*) => {
        $(#[doc = $says] pub const $name: &Rule =
            &Rule { id: $id, weight: Weight::$weight, says: $says, source: $source };)*
        /// All of them, in the order of the documentation.
        pub const ALL: &[&Rule] = &[$($name),*];
    };
}

rules! {
    // The file
    YAML Refused "yaml" "the file is YAML, and a mapping" "lib/gitlab/config/loader/yaml.rb"
    DUPLICATE_KEY Refused "duplicate-key" "no key stands twice: the last one wins in silence" "docs: ci/jobs/, job names"
    YAML_SIZE Refused "yaml-size" "the parsed file is at most 2 MiB in memory" "docs: administration/instance_limits, max_yaml_size_bytes"
    YAML_DEPTH Refused "yaml-depth" "at most 100 lists and maps are inside each other" "lib/gitlab/utils/deep_size.rb"
    DEFAULT_KEYWORD Refused "default-keyword" "`default` holds only keywords that have a default" "lib/gitlab/ci/config/entry/default.rb"
    DEFAULT_TIMEOUT Trap "default-timeout" "`timeout` in `default` has no effect" "docs: ci/yaml/#default; gitlab-org/gitlab#213634"
    JOBS_TOO_MANY Refused "jobs-too-many" "a pipeline has no more jobs than the instance or plan allows" "docs: administration/instance_limits, ci_pipeline_size"
    // Names
    NAME_TYPE Refused "name-type" "a job's name is a text" "lib/gitlab/ci/config/entry/processable.rb"
    NAME_LENGTH Refused "name-length" "a job's name has at most 255 characters" "lib/gitlab/ci/config/entry/processable.rb"
    NAME_RESERVED Refused "name-reserved" "a job is not called like a keyword" "docs: ci/jobs/, job names"
    NAME_DISCOURAGED Trap "name-discouraged" "a job is not called like a YAML word or a special job" "docs: ci/jobs/, job names"
    NAME_GROUPED Trap "name-grouped" "a name does not end in what GitLab strips to group jobs, which merges their nodes and test suites" "docs: ci/jobs/, group similar jobs together"
    HIDDEN_UNUSED Trap "hidden-unused" "a hidden job (leading dot) is used by another: it never runs itself" "docs: ci/jobs/, hide a job"
    // Stages and needs
    STAGE_UNDECLARED Refused "stage-undeclared" "a job's stage is in `stages`" "lib/gitlab/ci/yaml_processor.rb"
    STAGE_NAME Refused "stage-name" "a stage's name is a text of at most 255 characters" "docs: ci/yaml/#stages"
    NO_VISIBLE_JOB Refused "no-visible-job" "there is a job that is not hidden" "lib/gitlab/ci/config/entry/jobs.rb"
    ONLY_EDGE_STAGES Refused "only-edge-stages" "there is a job outside .pre and .post" "docs: ci/yaml/#stage-pre"
    NEEDS_MISSING Refused "needs-missing" "a needed job exists, or the need is optional" "lib/gitlab/ci/yaml_processor.rb"
    NEEDS_SELF Refused "needs-self" "a job does not need itself" "lib/gitlab/ci/yaml_processor.rb"
    NEEDS_CYCLE Refused "needs-cycle" "needs make no circle" "lib/gitlab/ci/yaml_processor/dag.rb"
    NEEDS_LATER Refused "needs-later" "a needed job is in the same or an earlier stage" "lib/gitlab/ci/yaml_processor.rb"
    NEEDS_TOO_MANY Refused "needs-too-many" "a job needs at most 50 others" "docs: ci/yaml/#needs"
    NEEDS_TWICE Refused "needs-twice" "a job is needed once" "lib/gitlab/ci/config/entry/needs.rb"
    DEPENDENCIES Refused "dependencies" "`dependencies` name jobs of earlier stages, and of `needs` where there are any" "lib/gitlab/ci/config/entry/job.rb"
    EXTENDS_MISSING Refused "extends-missing" "what a job extends exists" "lib/gitlab/ci/config/extendable/entry.rb"
    EXTENDS_CYCLE Refused "extends-cycle" "`extends` makes no circle" "lib/gitlab/ci/config/extendable/entry.rb"
    EXTENDS_DEPTH Refused "extends-depth" "`extends` goes at most 11 levels deep" "docs: ci/yaml/yaml_optimization"
    // Values
    JOB_WITHOUT_SCRIPT Refused "job-without-script" "a job is a map with `script`, `run` or `trigger`" "lib/gitlab/ci/config/entry/jobs.rb"
    SCRIPT_EMPTY Refused "script-empty" "a script has a line" "lib/gitlab/ci/config/entry/job.rb"
    CACHE_KEY Refused "cache-key" "a cache key has no slash and is not only dots" "docs: ci/yaml/#cachekey"
    CACHE_FILES Refused "cache-files" "`cache:key:files` names one or two files" "docs: ci/yaml/#cachekeyfiles"
    CACHE_COUNT Refused "cache-count" "a job has at most 4 caches" "lib/gitlab/ci/config/entry/caches.rb"
    FALLBACK_KEYS Refused "fallback-keys" "a cache has at most 5 fallback keys" "docs: ci/caching/"
    RETRY Refused "retry" "`retry` is 0, 1 or 2" "lib/gitlab/ci/config/entry/retry.rb"
    RETRY_WHEN Refused "retry-when" "`retry:when` knows the reason" "docs: ci/yaml/#retrywhen"
    RETRY_SCRIPT Trap "retry-script-failure" "a failing script is not retried: it doubles the time of every red job" "docs: ci/yaml/#retrywhen"
    PARALLEL Refused "parallel" "`parallel` makes 1 to 200 jobs" "docs: ci/yaml/#parallel"
    TAGS Refused "tags" "a job has fewer than 50 tags" "lib/gitlab/ci/config/entry/tags.rb"
    REPORT_DIRECTORY Trap "report-directory" "a report is a file or a glob: of a directory nothing is read" "docs: ci/yaml/artifacts_reports"
    MANUAL_BLOCKS Trap "manual-blocks" "a manual job in `rules` says `allow_failure`: without it the pipeline waits for a person" "docs: ci/jobs/job_control, types of manual jobs"
    RULES_WITH_ONLY Refused "rules-with-only" "`rules` does not stand beside `only` or `except`" "lib/gitlab/ci/config/entry/processable.rb"
    // Triggers
    TRIGGER_KEYWORD Refused "trigger-keyword" "a trigger job has only the keywords of trigger jobs" "lib/gitlab/ci/config/entry/bridge.rb"
    TRIGGER_STRATEGY Trap "trigger-strategy" "a child pipeline has a strategy: without one its trigger is green once the child exists" "docs: ci/yaml/#triggerstrategy"
    TRIGGER_INCLUDES Refused "trigger-includes" "a child pipeline is made of at most 3 files" "lib/gitlab/ci/config/entry/trigger.rb"
    TRIGGER_FILE Refused "trigger-file" "the file of a child pipeline ends in .yml or .yaml" "lib/gitlab/ci/config/external/file/artifact.rb"
    TRIGGER_JOB Refused "trigger-job" "a child's artifact names a job of this pipeline that runs before its trigger" "lib/gitlab/ci/config/external/file/artifact.rb"
    TRIGGER_PATH Refused "trigger-path" "that job keeps the file in `artifacts:paths`" "lib/gitlab/ci/artifact_file_reader.rb"
    TRIGGER_LEVELS Refused "trigger-levels" "child pipelines have children, but no grandchildren" "docs: ci/pipelines/downstream_pipelines"
    // In a child pipeline
    CHILD_WORKFLOW Trap "child-workflow" "a child pipeline has `workflow:rules`: without, its jobs are missing in merge requests" "lib/gitlab/ci/config/entry/processable.rb"
    CHILD_ONLY Trap "child-only" "a child pipeline has no `only` and `except`: they look at the parent and drop jobs" "gitlab-org/gitlab#208294"
    CHILD_INCLUDE Refused "child-include" "a generated child includes nothing by a variable" "docs: ci/pipelines/downstream_pipelines; gitlab-org/gitlab#378717"
    CHILD_SOURCE Trap "child-source" "a child does not ask for another `CI_PIPELINE_SOURCE` than parent_pipeline" "docs: ci/pipelines/downstream_pipelines"
    // Components
    INPUT_UNDECLARED Refused "input-undeclared" "an input that is used is declared in `spec:inputs`" "docs: ci/inputs/"
    INPUT_UNUSED Trap "input-unused" "an input that is declared is used" "docs: ci/inputs/"
    INPUT_SPEC Refused "input-spec" "an input has a known type, at most 50 options, and a default that fits" "docs: ci/inputs/"
    COMPONENT_GLOBAL Trap "component-global" "a component sets no `default`, `stages` or `workflow`: they would become those of its user" "docs: ci/components/"
    // Versions
    TOO_NEW Refused "too-new" "no keyword or value is newer than the oldest GitLab that must take the file" "docs: ci/yaml/, history of the keyword"
}
