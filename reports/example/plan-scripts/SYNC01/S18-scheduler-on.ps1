<#
.SYNOPSIS
    S18: the scheduler on, on SYNC01.
.DESCRIPTION
    Run it in Windows PowerShell 5.1 on this Connect server, as a member of ADSyncAdmins. It can be run again: what is
    done already is left as it is. The setting is shared by the Connect servers of the tenant.
    Cycles then start by themselves again.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    [string]$OutFile = 'S18-evidence.json',
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
        step         = 'S18'
        kind         = 'scheduler-on'
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
$Enabled = [System.Convert]::ToBoolean((Get-Value (Get-ADSyncScheduler) @('SyncCycleEnabled')))
$Evidence.before = $Enabled
if ($Enabled -eq $true) {
    Add-Note 'The scheduler is on already.'
} elseif ($PSCmdlet.ShouldProcess($PlannedServer, 'Turn the scheduler on')) {
    Set-ADSyncScheduler -SyncCycleEnabled $true
    $Now = [System.Convert]::ToBoolean((Get-Value (Get-ADSyncScheduler) @('SyncCycleEnabled')))
    if ($Now -ne $true) { throw 'The scheduler did not take the change.' }
    Add-Note 'The scheduler is on.'
}
Write-Evidence
