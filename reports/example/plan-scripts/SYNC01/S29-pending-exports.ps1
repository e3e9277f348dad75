<#
.SYNOPSIS
    S29: what the AD connector would export, from SYNC01.
.DESCRIPTION
    Reads only: csexport writes the pending exports of the AD connector to a file beside the evidence. Give both files to
    groupshift. Any add, delete, rename or change of members of a group that Cloud Sync maintains stops the run there.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    [string]$OutFile = 'S29-evidence.json',
    [string]$Nonce = 'GROUPSHIFT-NONCE',
    [switch]$Force
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$PlannedServer = 'SYNC01'
$PlanHash = 'b5b2fc5d7056d23f4b9291038b9dbdc7f9bceba3657dfd57d0e7958f105e8ceb'
$Done = New-Object System.Collections.ArrayList
$Evidence = [ordered]@{}

# A property by the first of these names that the object has; $null where it has none of them.
function Get-Value($Object, [string[]]$Names) {
    if ($null -eq $Object) { return $null }
    foreach ($Name in $Names) {
        $Property = $Object.PSObject.Properties[$Name]
        if ($null -ne $Property) { return $Property.Value }
    }
    return $null
}

function Add-Note([string]$Text) {
    [void]$Done.Add($Text)
    Write-Host $Text
}

# What the server says of itself now, so that the evidence can be held against live state.
function Get-ServerState {
    $State = [ordered]@{}
    $Scheduler = Get-ADSyncScheduler
    foreach ($Name in @('SyncCycleEnabled', 'StagingModeEnabled', 'SchedulerSuspended', 'SyncCycleInProgress', 'MaintenanceEnabled')) {
        $Value = Get-Value $Scheduler @($Name)
        if ($null -ne $Value) { $Value = [System.Convert]::ToBoolean($Value) }
        $State[$Name] = $Value
    }
    foreach ($Name in @('NextSyncCyclePolicyType', 'CurrentlyEffectiveSyncCycleInterval')) {
        $State[$Name] = [string](Get-Value $Scheduler @($Name))
    }
    $Feature = Get-ADSyncAADCompanyFeature
    foreach ($Name in @('GroupWritebackV2', 'UnifiedGroupWriteback')) {
        $Value = Get-Value $Feature @($Name)
        if ($null -ne $Value) { $Value = [System.Convert]::ToBoolean($Value) }
        $State[$Name] = $Value
    }
    return $State
}

# The rules that matter here, as they are.
function Get-RuleState {
    foreach ($Rule in @(Get-ADSyncRule)) {
        $Flows = @()
        foreach ($Flow in @(Get-Value $Rule @('AttributeFlowMappings'))) {
            if ($null -eq $Flow) { continue }
            $Flows += @{
                destination = [string](Get-Value $Flow @('Destination'))
                flowType    = [string](Get-Value $Flow @('FlowType'))
                source      = [string](Get-Value $Flow @('Source'))
                mergeType   = [string](Get-Value $Flow @('ValueMergeType'))
            }
        }
        $Scope = @()
        foreach ($Group in @(Get-Value $Rule @('ScopeFilter'))) {
            if ($null -eq $Group) { continue }
            $Conditions = @()
            foreach ($Condition in @(Get-Value $Group @('ScopeConditionList'))) {
                if ($null -eq $Condition) { continue }
                $Conditions += @{
                    attribute = [string](Get-Value $Condition @('Attribute'))
                    operator  = [string](Get-Value $Condition @('ComparisonOperator'))
                    value     = [string](Get-Value $Condition @('ComparisonValue'))
                }
            }
            $Scope += @{ conditions = @($Conditions) }
        }
        $Text = ($Flows + $Scope) | ConvertTo-Json -Depth 6 -Compress
        if ([string]$Text -notmatch 'cloudNoFlow|reasonFiltered') { continue }
        @{
            id         = [string]$Rule.Identifier
            name       = [string]$Rule.Name
            direction  = [string]$Rule.Direction
            connector  = [string]$Rule.Connector
            sourceObjectType = [string]$Rule.SourceObjectType
            targetObjectType = [string]$Rule.TargetObjectType
            linkType   = [string]$Rule.LinkType
            precedence = [int]$Rule.Precedence
            disabled   = [bool](Get-Value $Rule @('Disabled'))
            flows      = @($Flows)
            scope      = @($Scope)
        }
    }
}

# Waits until no cycle runs; an endless one ends the script, which can be run again.
function Wait-SyncCycle([int]$Minutes) {
    $End = [DateTime]::UtcNow.AddMinutes($Minutes)
    while ([System.Convert]::ToBoolean((Get-Value (Get-ADSyncScheduler) @('SyncCycleInProgress')))) {
        if ([DateTime]::UtcNow -gt $End) { throw "A cycle is still running after $Minutes minutes. Look at it, then run this script again." }
        Start-Sleep -Seconds 10
    }
}

function Write-Evidence {
    $Record = [ordered]@{
        schema       = 'groupshift/connect-evidence/v1'
        plan         = $PlanHash
        step         = 'S29'
        kind         = 'pending-exports'
        nonce        = $Nonce
        computerName = [Environment]::MachineName
        at           = [DateTime]::UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
        whatIf       = [bool]$WhatIfPreference
        done         = @($Done.ToArray())
        state        = Get-ServerState
        rules        = @(Get-RuleState)
        detail       = $Evidence
    }
    $Target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile)
    if ($WhatIfPreference) {
        Write-Host "WhatIf: the evidence would be written to $Target"
        return
    }
    $Json = $Record | ConvertTo-Json -Depth 12
    [IO.File]::WriteAllText($Target, $Json, (New-Object System.Text.UTF8Encoding($false)))
    Write-Host "Evidence: $Target"
}

$Short = @($PlannedServer -split '\.')[0]
if ([Environment]::MachineName -ne $Short) {
    throw "This script is for $PlannedServer. This is $([Environment]::MachineName)."
}
$Target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile)
if ((Test-Path -LiteralPath $Target) -and -not $Force) {
    throw "$Target exists. Name another file with -OutFile, or replace it with -Force."
}
Import-Module -Name ADSync

Wait-SyncCycle 240
$Tool = Join-Path -Path $env:ProgramFiles -ChildPath 'Microsoft Azure AD Sync\Bin\csexport.exe'
if (-not (Test-Path -LiteralPath $Tool)) { throw "$Tool is not there. Name the folder of this installation in the script." }
$Folder = Split-Path -Path $Target -Parent
$Files = @()
foreach ($Connector in @(
    'fabrikam.example'
)) {
    $Export = Join-Path -Path $Folder -ChildPath ('S29-csexport-{0}.xml' -f $Files.Count)
    if ((Test-Path -LiteralPath $Export) -and -not $Force) { throw "$Export exists. Replace it with -Force." }
    if ($PSCmdlet.ShouldProcess($Connector, 'Export the pending changes to a file')) {
        if (Test-Path -LiteralPath $Export) { Remove-Item -LiteralPath $Export }
        & $Tool $Connector $Export '/f:x' | Out-Host
        if ($LASTEXITCODE -ne 0) { throw "csexport ended with $LASTEXITCODE for $Connector." }
        $Files += @{
            connector = $Connector
            file      = Split-Path -Path $Export -Leaf
            bytes     = (Get-Item -LiteralPath $Export).Length
            sha256    = (Get-FileHash -LiteralPath $Export -Algorithm SHA256).Hash.ToLowerInvariant()
        }
        Add-Note "Written: $Export"
    }
}
$Evidence.files = @($Files)
Write-Evidence
